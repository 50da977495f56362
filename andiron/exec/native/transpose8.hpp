#pragma once

#include <immintrin.h>

namespace andiron::exec {

/// The square r[8] of 8 x 8 floats (or other 4-byte elements) turned over its diagonal.
inline void transpose8(__m256 (&r)[8]) {
  __m256 pair[8], four[8];
  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int k = 0; k < 2; ++k) {
      four[i + 2 * k] = _mm256_shuffle_ps(pair[i + k], pair[i + k + 2], 0x44);
      four[i + 2 * k + 1] = _mm256_shuffle_ps(pair[i + k], pair[i + k + 2], 0xEE);
    }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_permute2f128_ps(four[i], four[i + 4], 0x20);
    r[i + 4] = _mm256_permute2f128_ps(four[i], four[i + 4], 0x31);
  }
}

}  // namespace andiron::exec
