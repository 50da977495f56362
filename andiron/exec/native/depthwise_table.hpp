#pragma once

#include <cstdint>

#include "andiron/exec/native/conv_end.hpp"
#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// A row of places of a depthwise convolution, of up to 16 channels.
struct DepthwiseRow {
  /// The lines of the source that the window's lines see, at their first pixel; null: padding.
  const float* const* lines = nullptr;
  int64_t pixel = 0;  ///< floats from a pixel of the source to the next
  int64_t width = 0;  ///< of the source
  int64_t kernel_y = 0, kernel_x = 0, stride = 1, dilation = 1, begin = 0;
  const float* weights = nullptr;  ///< [kernel_y][kernel_x][16]
  int64_t n = 0;                   ///< places
  /// The places [inner, behind_inner) see no padding beside their lines.
  int64_t inner = 0, behind_inner = 0;

  /// Finds out which.
  void find_inner() {
    auto ceiling = [](int64_t a, int64_t b) { return a <= 0 ? int64_t{0} : (a + b - 1) / b; };
    const int64_t room = width - (kernel_x - 1) * dilation + begin;
    inner = ceiling(begin, stride) < n ? ceiling(begin, stride) : n;
    behind_inner = ceiling(room, stride) < n ? ceiling(room, stride) : n;
    if (behind_inner < inner) behind_inner = inner;
  }
};

/// Per instruction set.
struct DepthwiseTable {
  /// dst = end(convolution); the results' pixels lie dst_pixel floats apart, bias is readable for
  /// 16 channels. No residual.
  void (*row)(const DepthwiseRow& row, int64_t channels, const ConvEnd& end, float* dst,
              int64_t dst_pixel);
};

namespace avx2 {
extern const DepthwiseTable kDepthwiseTable;
}
namespace avx512 {
extern const DepthwiseTable kDepthwiseTable;
}

inline const DepthwiseTable& depthwise_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kDepthwiseTable : avx2::kDepthwiseTable;
}

}  // namespace andiron::exec
