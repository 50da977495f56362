#pragma once

#include <vector>

#include "andiron/graph/value.hpp"

/// Functions that build graphs of normalizations, as those of ops.hpp. scale and offset may be
/// undefined everywhere.
namespace andiron::ops {

struct GroupNormOptions {
  int64_t groups = 1;
  int64_t axis = 1;       ///< that of the channels: 1 or the last
  double epsilon = 1e-3;  ///< what is added to the variance
  bool center = true;     ///< whether the mean is subtracted
};
/// dst, mean [N, groups] and inverse deviation [N, groups]; x [N, C, ...], scale and offset [C].
std::vector<Value> group_norm(const Value& x, const Value& scale = {}, const Value& offset = {},
                              const GroupNormOptions& options = {});

// Composites.

/// Over `axes`, for each place of the others; scale and offset have the sizes of the axes.
Value layer_normalization(const Value& x, const Value& scale = {}, const Value& offset = {},
                          std::vector<int64_t> axes = {-1}, double epsilon = 1e-3);
/// x / sqrt(mean of x^2 over axes + epsilon) * scale. Zhang and Sennrich 2019.
Value rms_normalization(const Value& x, const Value& scale = {}, std::vector<int64_t> axes = {-1},
                        double epsilon = 1e-6);
/// Over the channels of a group and all places of each row.
Value group_normalization(const Value& x, int64_t groups, const Value& scale = {},
                          const Value& offset = {}, double epsilon = 1e-3, int64_t axis = 1);
/// A group for each channel. Ulyanov et al. 2016.
Value instance_normalization(const Value& x, const Value& scale = {}, const Value& offset = {},
                             double epsilon = 1e-3, int64_t axis = 1);
/// x / max(norm of x over axes, epsilon); order: see norm.
Value normalize(const Value& x, std::vector<int64_t> axes = {-1}, double order = 2.0,
                double epsilon = 1e-12);

/// (sum of |x|^order)^(1 / order) over axes; order 0 counts what is not 0, infinity takes the
/// greatest, minus infinity the least.
Value norm(const Value& x, double order = 2.0, std::vector<int64_t> axes = {},
           bool keepdims = false);

}  // namespace andiron::ops
