#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::exec {

/// How the filters of a convolution fall into panels (panels_table.hpp), and where those lie.
class Panels {
 public:
  /// Panels of two vectors, a last odd one joins the panel before; or, with `blocks`, panels of 16
  /// filters. `depth`: numbers that a filter multiplies, each filter's padded with zeros.
  Panels(int64_t filters, int64_t depth, int64_t vector, bool blocks);
  Panels() = default;

  int64_t count() const { return std::ssize(first_) - 1; }
  int64_t first(int64_t p) const { return first_[static_cast<size_t>(p)]; }  ///< filter
  int64_t lanes(int64_t p) const { return first(p + 1) - first(p); }
  int64_t vectors(int64_t p) const { return lanes(p) / vector_; }
  /// Filters of a panel that there are.
  int64_t filters(int64_t p) const { return std::min(filters_, first(p + 1)) - first(p); }
  int64_t offset(int64_t p) const { return first(p) * depth_; }  ///< floats
  int64_t padded_filters() const { return first_.back(); }
  int64_t size() const { return padded_filters() * depth_; }
  int64_t depth() const { return depth_; }

  /// Of weights [filters, channels, taps], into [panel][tap][channel][lane].
  void pack(const float* weights, int64_t channels, int64_t taps, float* to) const;
  /// The same of a constant, made once for all plans that hold it.
  std::shared_ptr<Buffer> pack_shared(const Tensor& weights, int64_t channels, int64_t taps) const;

 private:
  int64_t filters_ = 0, depth_ = 0, vector_ = 1;
  std::vector<int64_t> first_{0};
};

/// [n] with zeros up to `padded`; zeros alone of null.
std::vector<float> padded_with_zeros(const float* data, int64_t n, int64_t padded);

}  // namespace andiron::exec
