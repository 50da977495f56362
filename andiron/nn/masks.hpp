#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "andiron/graph/value.hpp"

namespace andiron::nn {

/// Which steps of values [batch, time, ...] count, while a network is traced: bool [batch, time].
/// Made by Masking and Embedding(mask_zero), passed on by layers that work step by step, used by
/// merging layers and GlobalAveragePooling1D. Each thread has its own.
class Masks {
 public:
  /// Masks live as long as the outermost scope of the thread.
  class Scope {
   public:
    Scope();
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    bool outermost_;
  };

  /// Undefined: all steps count.
  static Value of(const Value& x);
  /// Does nothing without a scope, or for an undefined mask.
  static void set(const Value& x, const Value& mask);
};

/// Whether the one output of such a layer has the mask of the one input.
bool keeps_mask(std::string_view class_name);

}  // namespace andiron::nn
