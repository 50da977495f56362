#include <immintrin.h>

#include "andiron/exec/native/depthwise_bytes_table.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

// Two taps of a channel stand side by side as 16 bits, are multiplied by their weights and added up
// in 32 bits by one instruction: nothing can overflow, whatever the weights.
template <int kPairs>
void blocks(const DepthwiseBytes& d, const uint8_t* const* taps, uint8_t* dst) {
  const int64_t pairs = kPairs > 0 ? kPairs : d.pairs;
  const __m256 low = _mm256_set1_ps(d.low), high = _mm256_set1_ps(d.high);
  const int16_t* w = d.weights;
  for (int64_t b = 0; b < d.blocks; ++b) {
    const int64_t first = d.first[b];
    __m256i even = _mm256_setzero_si256(), odd = _mm256_setzero_si256();
    for (int64_t p = 0; p < pairs; ++p, w += 2 * kDepthwiseBlock) {
      const __m256i x0 = _mm256_cvtepu8_epi16(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(taps[2 * p] + first)));
      const __m256i x1 = _mm256_cvtepu8_epi16(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(taps[2 * p + 1] + first)));
      const auto* weights = reinterpret_cast<const __m256i*>(w);
      even = _mm256_add_epi32(
          even, _mm256_madd_epi16(_mm256_unpacklo_epi16(x0, x1), _mm256_loadu_si256(weights)));
      odd = _mm256_add_epi32(
          odd, _mm256_madd_epi16(_mm256_unpackhi_epi16(x0, x1), _mm256_loadu_si256(weights + 1)));
    }
    const float *scale = d.scale + b * kDepthwiseBlock, *shift = d.shift + b * kDepthwiseBlock;
    __m256 y0 =
        _mm256_fmadd_ps(_mm256_cvtepi32_ps(even), _mm256_loadu_ps(scale), _mm256_loadu_ps(shift));
    __m256 y1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(odd), _mm256_loadu_ps(scale + 8),
                                _mm256_loadu_ps(shift + 8));
    y0 = _mm256_min_ps(_mm256_max_ps(y0, low), high);
    y1 = _mm256_min_ps(_mm256_max_ps(y1, low), high);
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(y0), _mm256_cvtps_epi32(y1));
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + first), bytes);
  }
}

void place(const DepthwiseBytes& d, const uint8_t* const* taps, uint8_t* dst) {
  d.pairs == 5    ? blocks<5>(d, taps, dst)
  : d.pairs == 13 ? blocks<13>(d, taps, dst)
                  : blocks<0>(d, taps, dst);
}

}  // namespace

extern const DepthwiseBytesTable kDepthwiseBytesTable = {place};

}  // namespace andiron::exec::ANDIRON_ISA
