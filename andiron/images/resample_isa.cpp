#include <immintrin.h>

#include "andiron/images/resample_table.hpp"

namespace andiron::images::ANDIRON_ISA {

namespace {

#ifdef __AVX512VNNI__

// A weight is three signed bytes: w = a 2^16 + b 2^8 + c. vpdpbusd multiplies four bytes of pixels
// by four of one place and adds; the three sums are put together at the end.
void pack(const int32_t* weights, int32_t* words) {
  uint32_t place[3] = {0, 0, 0};
  for (int i = 0; i < kGroup; ++i) {
    int32_t w = weights[i];
    for (int p = 0; p < 3; ++p) {
      const auto digit = static_cast<int8_t>(static_cast<uint8_t>(w & 0xFF));
      place[p] |= static_cast<uint32_t>(static_cast<uint8_t>(digit)) << (8 * i);
      w = (w - digit) / 256;
    }
  }
  for (int p = 0; p < 3; ++p) words[p] = static_cast<int32_t>(place[p]);
  words[3] = 0;
}

struct Sums {
  __m512i c = _mm512_setzero_si512(), b = c, a = c;
  void add(__m512i pixels, __m512i wc, __m512i wb, __m512i wa) {
    c = _mm512_dpbusd_epi32(c, pixels, wc);
    b = _mm512_dpbusd_epi32(b, pixels, wb);
    a = _mm512_dpbusd_epi32(a, pixels, wa);
  }
  __m512i rounded() const {
    const __m512i sum =
        _mm512_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(a, 16), _mm512_slli_epi32(b, 8)),
                         _mm512_add_epi32(c, _mm512_set1_epi32(1 << (kWeightBits - 1))));
    return _mm512_srai_epi32(sum, kWeightBits);
  }
};

void horizontal_rgb(const uint8_t* src, int64_t src_stride, int64_t rows, const Taps& taps,
                    int64_t n, uint8_t* dst, int64_t dst_stride) {
  // With a mask of all: g++ 12 warns of the one without.
  const __m512i planes = _mm512_maskz_broadcast_i32x4(
      0xFFFF, _mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1));
  for (int64_t y = 0; y < rows; y += 4) {
    const uint8_t* from[4];
    uint8_t* to[4];
    for (int64_t r = 0; r < 4; ++r) {  // rows behind the last one are the last one again
      const int64_t row = y + r < rows ? y + r : rows - 1;
      from[r] = src + row * src_stride;
      to[r] = dst + row * dst_stride;
    }
    const int32_t* words = taps.packed;
    for (int64_t i = 0; i < n; ++i, words += taps.groups * 4) {
      const int64_t groups = (taps.count[i] + kGroup - 1) / kGroup;
      int64_t at = int64_t{3} * taps.first[i];
      Sums sums;
      for (int64_t g = 0; g < groups; ++g, at += 3 * kGroup) {
        const int32_t* w = words + 4 * g;
        __m512i pixels =
            _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from[0] + at)));
        pixels = _mm512_inserti32x4(
            pixels, _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[1] + at)), 1);
        pixels = _mm512_inserti32x4(
            pixels, _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[2] + at)), 2);
        pixels = _mm512_inserti32x4(
            pixels, _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[3] + at)), 3);
        sums.add(_mm512_shuffle_epi8(pixels, planes), _mm512_set1_epi32(w[0]),
                 _mm512_set1_epi32(w[1]), _mm512_set1_epi32(w[2]));
      }
      const __m128i bytes =
          _mm512_cvtusepi32_epi8(_mm512_max_epi32(sums.rounded(), _mm512_setzero_si512()));
      alignas(16) uint8_t pixel[16];
      _mm_store_si128(reinterpret_cast<__m128i*>(pixel), bytes);
      for (int r = 0; r < 4; ++r) {
        if (i + 1 < n)  // a byte more, which the next pixel overwrites
          __builtin_memcpy(to[r] + 3 * i, pixel + 4 * r, 4);
        else
          __builtin_memcpy(to[r] + 3 * i, pixel + 4 * r, 3);
      }
    }
  }
}

void vertical(const uint8_t* src, int64_t src_stride, const int32_t* words, int64_t count,
              uint8_t* dst, int64_t n_bytes) {
  for (int64_t x = 0; x < n_bytes; x += 64) {
    Sums sums[4];
    for (int64_t first = 0; first < count; first += kGroup) {
      __m512i row[4];
      for (int64_t r = 0; r < 4; ++r) {  // rows behind the last one weigh nothing
        const int64_t y = first + r < count ? first + r : count - 1;
        row[r] = _mm512_loadu_si512(src + y * src_stride + x);
      }
      const __m512i low01 = _mm512_unpacklo_epi8(row[0], row[1]),
                    high01 = _mm512_unpackhi_epi8(row[0], row[1]),
                    low23 = _mm512_unpacklo_epi8(row[2], row[3]),
                    high23 = _mm512_unpackhi_epi8(row[2], row[3]);
      const __m512i wc = _mm512_set1_epi32(words[first]), wb = _mm512_set1_epi32(words[first + 1]),
                    wa = _mm512_set1_epi32(words[first + 2]);
      sums[0].add(_mm512_unpacklo_epi16(low01, low23), wc, wb, wa);
      sums[1].add(_mm512_unpackhi_epi16(low01, low23), wc, wb, wa);
      sums[2].add(_mm512_unpacklo_epi16(high01, high23), wc, wb, wa);
      sums[3].add(_mm512_unpackhi_epi16(high01, high23), wc, wb, wa);
    }
    _mm512_storeu_si512(
        dst + x, _mm512_packus_epi16(_mm512_packs_epi32(sums[0].rounded(), sums[1].rounded()),
                                     _mm512_packs_epi32(sums[2].rounded(), sums[3].rounded())));
  }
}

#else

// A weight is two 16-bit numbers: w = high 2^12 + low. vpmaddwd multiplies two pixels by two of
// them and adds; the two sums are put together at the end.
constexpr int kLowBits = 12;

void pack(const int32_t* weights, int32_t* words) {
  for (int pair = 0; pair < 2; ++pair) {
    const int32_t w0 = weights[2 * pair], w1 = weights[2 * pair + 1];
    const auto two = [](int32_t a, int32_t b) {
      return static_cast<int32_t>((static_cast<uint32_t>(a) & 0xFFFFU) | static_cast<uint32_t>(b)
                                                                             << 16);
    };
    constexpr int32_t kMask = (1 << kLowBits) - 1;
    words[2 * pair] = two(w0 >> kLowBits, w1 >> kLowBits);
    words[2 * pair + 1] = two(w0 & kMask, w1 & kMask);
  }
}

struct Sums {
  __m256i high = _mm256_setzero_si256(), low = high;
  void add(__m256i pixels, __m256i w_high, __m256i w_low) {
    high = _mm256_add_epi32(high, _mm256_madd_epi16(pixels, w_high));
    low = _mm256_add_epi32(low, _mm256_madd_epi16(pixels, w_low));
  }
  __m256i rounded() const {
    const __m256i sum =
        _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits),
                         _mm256_add_epi32(low, _mm256_set1_epi32(1 << (kWeightBits - 1))));
    return _mm256_srai_epi32(sum, kWeightBits);
  }
};

void horizontal_rgb(const uint8_t* src, int64_t src_stride, int64_t rows, const Taps& taps,
                    int64_t n, uint8_t* dst, int64_t dst_stride) {
  const __m256i pair0 = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
  const __m256i pair1 = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
  for (int64_t y = 0; y < rows; y += 2) {
    const int64_t last = y + 1 < rows ? y + 1 : y;
    const uint8_t *from0 = src + y * src_stride, *from1 = src + last * src_stride;
    uint8_t* to[2] = {dst + y * dst_stride, dst + last * dst_stride};
    const int32_t* words = taps.packed;
    for (int64_t i = 0; i < n; ++i, words += taps.groups * 4) {
      const int64_t groups = (taps.count[i] + kGroup - 1) / kGroup;
      int64_t at = int64_t{3} * taps.first[i];
      Sums sums;
      for (int64_t g = 0; g < groups; ++g, at += 3 * kGroup) {
        const __m256i pixels = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from0 + at))),
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(from1 + at)), 1);
        const int32_t* w = words + 4 * g;
        sums.add(_mm256_shuffle_epi8(pixels, pair0), _mm256_set1_epi32(w[0]),
                 _mm256_set1_epi32(w[1]));
        sums.add(_mm256_shuffle_epi8(pixels, pair1), _mm256_set1_epi32(w[2]),
                 _mm256_set1_epi32(w[3]));
      }
      const __m256i words16 = _mm256_packs_epi32(sums.rounded(), _mm256_setzero_si256());
      const __m256i bytes = _mm256_packus_epi16(words16, words16);
      alignas(32) uint8_t pixel[32];
      _mm256_store_si256(reinterpret_cast<__m256i*>(pixel), bytes);
      for (int r = 0; r < 2; ++r) {
        if (i + 1 < n)  // a byte more, which the next pixel overwrites
          __builtin_memcpy(to[r] + 3 * i, pixel + 16 * r, 4);
        else
          __builtin_memcpy(to[r] + 3 * i, pixel + 16 * r, 3);
      }
    }
  }
}

void vertical(const uint8_t* src, int64_t src_stride, const int32_t* words, int64_t count,
              uint8_t* dst, int64_t n_bytes) {
  const __m256i zero = _mm256_setzero_si256();
  for (int64_t x = 0; x < n_bytes; x += 32) {
    Sums sums[4];
    for (int64_t first = 0; first < count; first += 2) {
      const int64_t second = first + 1 < count ? first + 1 : first;  // weighs nothing then
      const __m256i a =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + first * src_stride + x));
      const __m256i b =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + second * src_stride + x));
      const __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
      const __m256i w_high = _mm256_set1_epi32(words[first]),
                    w_low = _mm256_set1_epi32(words[first + 1]);
      sums[0].add(_mm256_unpacklo_epi8(low, zero), w_high, w_low);
      sums[1].add(_mm256_unpackhi_epi8(low, zero), w_high, w_low);
      sums[2].add(_mm256_unpacklo_epi8(high, zero), w_high, w_low);
      sums[3].add(_mm256_unpackhi_epi8(high, zero), w_high, w_low);
    }
    _mm256_storeu_si256(
        reinterpret_cast<__m256i*>(dst + x),
        _mm256_packus_epi16(_mm256_packs_epi32(sums[0].rounded(), sums[1].rounded()),
                            _mm256_packs_epi32(sums[2].rounded(), sums[3].rounded())));
  }
}

#endif

}  // namespace

extern const ResampleKernels resample_kernels;
const ResampleKernels resample_kernels = {pack, horizontal_rgb, vertical};

}  // namespace andiron::images::ANDIRON_ISA
