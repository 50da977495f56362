#pragma once

#include <cstdint>

namespace andiron::exec {

/// What happens to the sums of a convolution before they are stored: + bias + residual, then into
/// [low, high].
struct ConvEnd {
  const float* bias = nullptr;      ///< [filters]
  const float* residual = nullptr;  ///< where the result's pixel lies, residual_stride apart
  int64_t residual_stride = 0;
  bool clamps = false;
  float low = 0, high = 0;
};

}  // namespace andiron::exec
