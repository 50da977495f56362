#pragma once

#include <cstddef>
#include <cstdint>

namespace andiron::exec {

/// Filters of a vector register of int32, and the most that are computed at a time.
inline constexpr int64_t kConvBytesLanes = 8, kConvBytesFilters = 16;
/// Inputs that stand side by side in the 32 bits of a lane.
inline constexpr int64_t kConvBytesQuad = 4;
/// Pixels that are computed at a time.
inline constexpr int64_t kConvBytesPixels = 3;
/// The most quads whose products are added in 16 bits.
inline constexpr int64_t kConvBytesMost = 4;

/// 8 or 16 filters. Quads stand in the order in which they are multiplied: those that are added in
/// 16 bits together side by side, the greatest such groups first.
struct ConvBytesBlock {
  const int8_t* weights;           ///< [quads][vectors * 8][4], aligned to 32 bytes
  const int32_t* offsets;          ///< [quads] from a pixel's first byte
  const float *scale, *shift;      ///< [vectors * 8]
  int64_t groups[kConvBytesMost];  ///< how many of 1, 2, ... quads
  int64_t vectors;
  int64_t filters;  ///< that are stored
};

enum class ConvBytesResult { u8, i8, f32 };

/// Where results go, and what is added on the way. Pixel i has row i of both.
struct ConvBytesEnd {
  ConvBytesResult type;
  float low, high, residual_scale;
  std::byte* dst;
  const std::byte* residual;            ///< of the same type, or null; may be dst
  int64_t dst_stride, residual_stride;  ///< bytes from a pixel to the next
};

/// A block's filters for `n` pixels that begin at src[i]. A quad's 4 bytes are read as a whole.
void conv_bytes_pixels(const ConvBytesBlock& block, const ConvBytesEnd& end,
                       const uint8_t* const* src, int64_t n);

}  // namespace andiron::exec
