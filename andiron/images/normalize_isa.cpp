#include <immintrin.h>

#include "andiron/images/normalize_table.hpp"

namespace andiron::images::ANDIRON_ISA {

namespace {

// 16 bytes as floats times scale plus shift.
inline void store_scaled(__m128i bytes, float scale, float shift, float* dst) {
#ifdef __AVX512F__
  const __m512 x = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
  _mm512_storeu_ps(dst, _mm512_fmadd_ps(x, _mm512_set1_ps(scale), _mm512_set1_ps(shift)));
#else
  const __m256 s = _mm256_set1_ps(scale), t = _mm256_set1_ps(shift);
  const __m256 low = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  const __m256 high = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
  _mm256_storeu_ps(dst, _mm256_fmadd_ps(low, s, t));
  _mm256_storeu_ps(dst + 8, _mm256_fmadd_ps(high, s, t));
#endif
}

struct Planes {
  __m128i r, g, b;
};

// 16 pixels apart: 48 bytes to three times 16.
inline Planes apart(const uint8_t* src) {
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src));
  const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + 16));
  const __m128i z = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + 32));
  const auto take = [&](__m128i mx, __m128i my, __m128i mz) {
    return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(x, mx), _mm_shuffle_epi8(y, my)),
                        _mm_shuffle_epi8(z, mz));
  };
  return {take(_mm_setr_epi8(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1),
               _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1),
               _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13)),
          take(_mm_setr_epi8(1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1),
               _mm_setr_epi8(-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1),
               _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14)),
          take(_mm_setr_epi8(2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1),
               _mm_setr_epi8(-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1),
               _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15))};
}

}  // namespace

void rgb_to_planes(const uint8_t* src, int64_t n, const float* scale, const float* shift,
                   float* red, float* green, float* blue) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const Planes p = apart(src + 3 * i);
    store_scaled(p.r, scale[0], shift[0], red + i);
    store_scaled(p.g, scale[1], shift[1], green + i);
    store_scaled(p.b, scale[2], shift[2], blue + i);
  }
  if (i == n) return;
  float tail[3][16];
  const Planes p = apart(src + 3 * i);
  store_scaled(p.r, scale[0], shift[0], tail[0]);
  store_scaled(p.g, scale[1], shift[1], tail[1]);
  store_scaled(p.b, scale[2], shift[2], tail[2]);
  for (int64_t j = 0; i + j < n; ++j) {
    red[i + j] = tail[0][j];
    green[i + j] = tail[1][j];
    blue[i + j] = tail[2][j];
  }
}

}  // namespace andiron::images::ANDIRON_ISA
