#pragma once

#include <memory>
#include <string>

#include "andiron/tensor/tensor.hpp"

namespace andiron {

/// Named state: a parameter, an optimizer slot, a running statistic, a random counter. A handle:
/// graphs refer to it, plans read and replace its value in place, checkpoints store it.
/// The tensor's memory stays the same for the variable's life (write through `assign`).
class Variable {
 public:
  Variable(std::string name, Tensor value, bool trainable = true)
      : name_(std::move(name)), value_(std::move(value)), trainable_(trainable) {}

  const std::string& name() const { return name_; }
  const Tensor& value() const { return value_; }
  bool trainable() const { return trainable_; }
  void set_trainable(bool trainable) { trainable_ = trainable; }
  void set_name(std::string name) { name_ = std::move(name); }
  /// Copies the values; throws Error when the shapes differ.
  void assign(const Tensor& value) { value_.copy_from(value); }
  /// Moves the value to other memory (flat parameter storage); plans made before are void.
  void rebind(Tensor storage) {
    storage.copy_from(value_);
    value_ = std::move(storage);
  }

 private:
  std::string name_;
  Tensor value_;
  bool trainable_;
};

using VariablePtr = std::shared_ptr<Variable>;

}  // namespace andiron
