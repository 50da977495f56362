#pragma once

#include <cstdint>

namespace andiron::images {

/// Weights have 22 fractional bits.
constexpr int kWeightBits = 22;
/// Four source pixels at a time; their weights as an instruction set wants them.
constexpr int kGroup = 4;

/// The source pixels of each destination pixel along one axis. Groups of four; the last one is
/// filled with weights of 0.
struct Taps {
  const int32_t* first;   ///< [n] the first source pixel
  const int32_t* count;   ///< [n] how many
  const int32_t* plain;   ///< [n, groups * 4] weights
  const int32_t* packed;  ///< [n, groups * 4] words of `pack`
  int64_t groups;         ///< of the longest
};

/// What is compiled for each instruction set. Sums are exact modulo 2^32, so all give the same
/// bits.
struct ResampleKernels {
  /// Four weights as four words.
  void (*pack)(const int32_t* weights, int32_t* words);
  /// `n` pixels of each of `rows` rows of RGB. Reads up to 16 bytes behind the last pixel.
  void (*horizontal_rgb)(const uint8_t* src, int64_t src_stride, int64_t rows, const Taps& taps,
                         int64_t n, uint8_t* dst, int64_t dst_stride);
  /// One row of `n_bytes` bytes from `count` rows; may write up to 63 bytes more.
  void (*vertical)(const uint8_t* src, int64_t src_stride, const int32_t* words, int64_t count,
                   uint8_t* dst, int64_t n_bytes);
};

namespace avx2 {
extern const ResampleKernels resample_kernels;
}
namespace avx512 {
extern const ResampleKernels resample_kernels;
}

}  // namespace andiron::images
