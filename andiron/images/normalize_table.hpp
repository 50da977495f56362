#pragma once

#include <cstdint>

namespace andiron::images {

/// dst[c][i] = src[3 i + c] * scale[c] + shift[c], one fused operation, for n pixels of RGB. Reads
/// up to 48 bytes behind them.
using ToPlanes = void (*)(const uint8_t* src, int64_t n, const float* scale, const float* shift,
                          float* red, float* green, float* blue);

namespace avx2 {
void rgb_to_planes(const uint8_t* src, int64_t n, const float* scale, const float* shift,
                   float* red, float* green, float* blue);
}
namespace avx512 {
void rgb_to_planes(const uint8_t* src, int64_t n, const float* scale, const float* shift,
                   float* red, float* green, float* blue);
}

}  // namespace andiron::images
