#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// One image [h, w, channels] and the window over it.
struct DepthwiseShape {
  int64_t h, w, channels, out_w;
  int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, begin_h, begin_w;
};

/// What happens to a sum before it is stored.
struct DepthwiseEnd {
  const float* bias = nullptr;  ///< [channels], may be null
  bool clamps = false;          ///< to [low, high]; a NaN becomes low
  float low = 0, high = 0;
};

/// Row `row` of the result: y [out_w, channels] of weights [kernel_h * kernel_w, channels];
/// `residual` is added, it lies like y and may be null.
using DepthwiseRow = void (*)(const DepthwiseShape& s, const DepthwiseEnd& end, const float* image,
                              const float* weights, int64_t row, const float* residual, float* y);

namespace avx2 {
void depthwise_row(const DepthwiseShape& s, const DepthwiseEnd& end, const float* image,
                   const float* weights, int64_t row, const float* residual, float* y);
}
namespace avx512 {
void depthwise_row(const DepthwiseShape& s, const DepthwiseEnd& end, const float* image,
                   const float* weights, int64_t row, const float* residual, float* y);
}

}  // namespace andiron::exec
