#pragma once

#include <cstdint>

namespace andiron::images::jpeg {

/// A block on its way to pixels. `coefficients` [64] row by row, 0 again afterwards; `steps` [64]
/// of its quantization; pixels go to `dst`, rows `stride` bytes apart. `low`: only the first four
/// coefficients of the first four rows may differ from 0.
struct BlockToPixels {
  int16_t* coefficients;
  const uint16_t* steps;
  uint8_t* dst;
  int64_t stride;
  bool low;
};

/// What is compiled for each instruction set; all give libjpeg's pixels (its "islow" transform and
/// those of half and a quarter of the size, "fancy" upsampling, its conversion of colours), which
/// are integers.
struct Kernels {
  /// Two blocks to 8 x 8, 4 x 4 or 2 x 2 pixels each.
  void (*pixels8)(const BlockToPixels& a, const BlockToPixels& b);
  void (*pixels4)(const BlockToPixels& a, const BlockToPixels& b);
  void (*pixels2)(const BlockToPixels& a, const BlockToPixels& b);
  /// `n` pixels of a row to RGB. Reads up to 64 bytes behind each row, writes up to 93 bytes behind
  /// the last pixel.
  void (*rgb)(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int64_t n, uint8_t* dst);
  /// `n` samples become 2 n, by the triangle filter along the row. Reads src[-1] and src[n]. Writes
  /// up to 31 bytes behind the last.
  void (*twice_across)(const uint8_t* src, int64_t n, uint8_t* dst);
  /// The same from a row and its neighbour above or below.
  void (*twice_both)(const uint8_t* near, const uint8_t* far, int64_t n, uint8_t* dst);
};

namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}

}  // namespace andiron::images::jpeg
