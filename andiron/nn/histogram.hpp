#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "andiron/passes/quantize.hpp"

namespace andiron::nn {

/// How numbers that a value takes become the range that bytes represent.
struct RangeMethod {
  /// "minmax": the least and the greatest number seen. "percentile": what leaves out (100 -
  /// percentile) % of the numbers, half of that at each end. "entropy": the part of the range whose
  /// distribution in 256 steps is closest (Kullback-Leibler) to the one seen (Migacz, 8-bit
  /// Inference with TensorRT, 2017).
  std::string name = "percentile";
  double percentile = 99.99;
};
/// Throws Error naming the rule that is broken.
void check_range_method(const RangeMethod& method);

/// Counts numbers in bins of one width, which doubles when a number lies beyond them: one pass over
/// data of any range.
class Histogram {
 public:
  /// Throws Error for a NaN or an infinity; `name` is for the message.
  void add(const float* x, int64_t n, const std::string& name);
  RealRange range(const RangeMethod& method) const;
  int64_t count() const { return count_; }

 private:
  static constexpr int64_t kBins = 4096;  // on each side of 0

  void widen(double to);
  double edge(int64_t bin) const { return static_cast<double>(bin - kBins) * width_; }
  RealRange by_percentile(double percentile) const;
  RealRange by_entropy() const;
  double divergence(const RealRange& range) const;

  double width_ = 0, low_ = 0, high_ = 0;
  int64_t count_ = 0;
  std::vector<int64_t> bins_;
};

}  // namespace andiron::nn
