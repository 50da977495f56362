#pragma once

#include <cstdint>
#include <vector>

#include "andiron/ops/ops.hpp"

namespace andiron::ops {

/// A sparse matrix [out, in] whose rows have few neighbouring entries: what each place of a
/// resampled axis is made of.
class AxisWeights {
 public:
  AxisWeights(int64_t in, int64_t out) : in_(in), rows_(static_cast<size_t>(out)) {}
  /// Adds `weight` at [o, i]; i is brought into [0, in) (the edge is repeated).
  void add(int64_t o, int64_t i, double weight);

  int64_t in() const { return in_; }
  int64_t out() const { return static_cast<int64_t>(rows_.size()); }
  /// The width of the widest row.
  int64_t taps() const;
  /// The first column of each row: first + taps <= in.
  std::vector<int64_t> first() const;
  /// [out, taps]
  std::vector<double> weights() const;

 private:
  struct Row {
    int64_t first = 0;
    std::vector<double> weights;
  };
  int64_t in_;
  std::vector<Row> rows_;
};

/// dst[.., o, ..] = sum over i of weights[o, i] x[.., i, ..] along `axis`, whose size is
/// weights.in().
Value resample(const Value& x, int64_t axis, const AxisWeights& weights);

}  // namespace andiron::ops
