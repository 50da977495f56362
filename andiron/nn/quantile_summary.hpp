#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::nn {

/// Quantiles of numbers that come in pieces, within `epsilon` of their ranks: Keras's summary of
/// Discretization, in its arithmetic (float32 points, interpolated).
class QuantileSummary {
 public:
  explicit QuantileSummary(double epsilon) : epsilon_(epsilon) {}

  /// Throws Error for a number that is not finite, with its row.
  void add(const Tensor& piece);
  bool empty() const { return points_.empty(); }
  /// The boundaries that part the numbers into `bins` of equal counts; ascending.
  std::vector<float> boundaries(int64_t bins) const;

 private:
  /// A value and how many numbers it stands for.
  using Point = std::pair<float, float>;
  static std::vector<Point> compressed(std::vector<Point> points, double epsilon);

  double epsilon_;
  std::vector<Point> points_;
  int64_t rows_ = 0;
};

}  // namespace andiron::nn
