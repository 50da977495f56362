#include <immintrin.h>

#include "andiron/images/jpeg_kernels.hpp"

// A vector has a block in each of its two halves: rows of eight coefficients of 16 bits.
namespace andiron::images::jpeg::ANDIRON_ISA {

namespace {

inline __m256i two(const void* a, const void* b) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(a))),
      _mm_loadu_si128(static_cast<const __m128i*>(b)), 1);
}

// Row `r` of both blocks, times the steps.
inline __m256i row(const BlockToPixels& a, const BlockToPixels& b, int r) {
  return _mm256_mullo_epi16(two(a.coefficients + 8 * r, b.coefficients + 8 * r),
                            two(a.steps + 8 * r, b.steps + 8 * r));
}

inline void clear(const BlockToPixels& block, int rows) {
  for (int r = 0; r < rows; r += 2)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(block.coefficients + 8 * r),
                        _mm256_setzero_si256());
}

// The weights of pairs: even words times `a` plus odd words times `b`.
inline __m256i weights(int a, int b) {
  return _mm256_set1_epi32((a & 0xFFFF) | static_cast<int>(static_cast<unsigned>(b) << 16));
}

// 32-bit sums of eight words: the lower and the upper four of each half.
struct Wide {
  __m256i low, high;
};
inline Wide operator+(Wide a, Wide b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
inline Wide operator-(Wide a, Wide b) {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

struct Pairs {
  __m256i low, high;
  Pairs(__m256i a, __m256i b)
      : low(_mm256_unpacklo_epi16(a, b)), high(_mm256_unpackhi_epi16(a, b)) {}
  Wide times(int a, int b) const {
    const __m256i w = weights(a, b);
    return {_mm256_madd_epi16(low, w), _mm256_madd_epi16(high, w)};
  }
};

// Words times 2^bits.
template <int bits>
inline Wide widened(__m256i x) {
  const __m256i zero = _mm256_setzero_si256();
  return {_mm256_srai_epi32(_mm256_unpacklo_epi16(zero, x), 16 - bits),
          _mm256_srai_epi32(_mm256_unpackhi_epi16(zero, x), 16 - bits)};
}

template <int bits>
inline __m256i narrowed(Wide x) {
  const __m256i half = _mm256_set1_epi32(1 << (bits - 1));
  return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(x.low, half), bits),
                            _mm256_srai_epi32(_mm256_add_epi32(x.high, half), bits));
}

// One pass of the inverse transform of eight (Loeffler, Ligtenberg and Moschytz, "Practical fast
// 1-D DCT algorithms with 11 multiplications", 1989, as libjpeg's jidctint.c has it with factors of
// 13 fractional bits) along the index of x. `low`: x[4] to x[7] are 0.
template <bool low, int bits>
inline void pass8(__m256i (&x)[8]) {
  Wide even0, even1, even2, even3;
  if constexpr (low) {
    const Pairs p(x[2], _mm256_setzero_si256());
    const Wide zero = widened<13>(x[0]);
    const Wide two = p.times(4433, 0), three = p.times(4433 + 6270, 0);
    even0 = zero + three, even3 = zero - three, even1 = zero + two, even2 = zero - two;
  } else {
    const Pairs p(x[2], x[6]);
    const Wide two = p.times(4433, 4433 - 15137), three = p.times(4433 + 6270, 4433);
    const Wide zero = widened<13>(_mm256_add_epi16(x[0], x[4]));
    const Wide one = widened<13>(_mm256_sub_epi16(x[0], x[4]));
    even0 = zero + three, even3 = zero - three, even1 = one + two, even2 = one - two;
  }
  Wide odd0, odd1, odd2, odd3;
  if constexpr (low) {
    // z3 = 3 of x, z4 = 1 of x
    const Pairs p(x[3], x[1]);
    odd0 = p.times(9633 - 16069, 9633 - 7373);
    odd1 = p.times(9633 - 20995, 9633 - 3196);
    odd2 = p.times(9633 - 16069 + 25172 - 20995, 9633);
    odd3 = p.times(9633, 9633 - 3196 + 12299 - 7373);
  } else {
    const Pairs z(_mm256_add_epi16(x[7], x[3]), _mm256_add_epi16(x[5], x[1]));
    const Wide z3 = z.times(9633 - 16069, 9633), z4 = z.times(9633, 9633 - 3196);
    const Pairs p(x[7], x[1]), q(x[5], x[3]);
    odd0 = p.times(2446 - 7373, -7373) + z3;
    odd3 = p.times(-7373, 12299 - 7373) + z4;
    odd1 = q.times(16819 - 20995, -20995) + z4;
    odd2 = q.times(-20995, 25172 - 20995) + z3;
  }
  x[0] = narrowed<bits>(even0 + odd3);
  x[7] = narrowed<bits>(even0 - odd3);
  x[1] = narrowed<bits>(even1 + odd2);
  x[6] = narrowed<bits>(even1 - odd2);
  x[2] = narrowed<bits>(even2 + odd1);
  x[5] = narrowed<bits>(even2 - odd1);
  x[3] = narrowed<bits>(even3 + odd0);
  x[4] = narrowed<bits>(even3 - odd0);
}

inline void transpose(__m256i (&x)[8]) {
  __m256i a[8], b[8];
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = _mm256_unpacklo_epi16(x[2 * i], x[2 * i + 1]);
    a[2 * i + 1] = _mm256_unpackhi_epi16(x[2 * i], x[2 * i + 1]);
  }
  for (int i = 0; i < 2; ++i) {
    b[4 * i] = _mm256_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
    b[4 * i + 1] = _mm256_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
    b[4 * i + 2] = _mm256_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
    b[4 * i + 3] = _mm256_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    x[2 * i] = _mm256_unpacklo_epi64(b[i], b[4 + i]);
    x[2 * i + 1] = _mm256_unpackhi_epi64(b[i], b[4 + i]);
  }
}

inline void store8(uint8_t* dst, __m128i x) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(dst), x);
}
inline void store_high8(uint8_t* dst, __m128i x) {
  _mm_storeh_pd(reinterpret_cast<double*>(dst), _mm_castsi128_pd(x));
}

// Columns of eight words to rows of pixels.
inline void store_columns(const __m256i (&x)[8], const BlockToPixels& a, const BlockToPixels& b) {
  const __m256i middle = _mm256_set1_epi8(-128);
  // [column 0, column 1], ... as bytes
  const __m256i c01 = _mm256_packs_epi16(x[0], x[1]), c23 = _mm256_packs_epi16(x[2], x[3]),
                c45 = _mm256_packs_epi16(x[4], x[5]), c67 = _mm256_packs_epi16(x[6], x[7]);
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
  const __m256i p01 = _mm256_shuffle_epi8(c01, order), p23 = _mm256_shuffle_epi8(c23, order),
                p45 = _mm256_shuffle_epi8(c45, order), p67 = _mm256_shuffle_epi8(c67, order);
  const __m256i low0 = _mm256_unpacklo_epi16(p01, p23), low4 = _mm256_unpackhi_epi16(p01, p23);
  const __m256i high0 = _mm256_unpacklo_epi16(p45, p67), high4 = _mm256_unpackhi_epi16(p45, p67);
  const __m256i rows[4] = {_mm256_unpacklo_epi32(low0, high0), _mm256_unpackhi_epi32(low0, high0),
                           _mm256_unpacklo_epi32(low4, high4), _mm256_unpackhi_epi32(low4, high4)};
  for (int i = 0; i < 4; ++i) {
    const __m256i pixels = _mm256_xor_si256(rows[i], middle);
    const __m128i of_a = _mm256_castsi256_si128(pixels), of_b = _mm256_extracti128_si256(pixels, 1);
    store8(a.dst + 2 * i * a.stride, of_a);
    store_high8(a.dst + (2 * i + 1) * a.stride, of_a);
    store8(b.dst + 2 * i * b.stride, of_b);
    store_high8(b.dst + (2 * i + 1) * b.stride, of_b);
  }
}

template <bool low>
inline void to_8x8(const BlockToPixels& a, const BlockToPixels& b) {
  __m256i x[8];
  constexpr int kRows = low ? 4 : 8;
  for (int r = 0; r < kRows; ++r) x[r] = row(a, b, r);
  for (int r = kRows; r < 8; ++r) x[r] = _mm256_setzero_si256();
  clear(a, kRows);
  clear(b, kRows);
  pass8<low, 11>(x);
  transpose(x);
  pass8<low, 18>(x);
  store_columns(x, a, b);
}

void pixels8(const BlockToPixels& a, const BlockToPixels& b) {
  if (a.low && b.low)
    to_8x8<true>(a, b);
  else
    to_8x8<false>(a, b);
}

// libjpeg's jidctred.c: the transform of eight, of which every other pixel is computed, after a
// filter that is part of it. Columns first, then rows.
void pixels4(const BlockToPixels& a, const BlockToPixels& b) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i y[4];  // rows of eight columns
  {
    const Wide first = widened<14>(row(a, b, 0));
    const Wide even = Pairs(row(a, b, 2), row(a, b, 6)).times(15137, -6270);
    const Pairs p(row(a, b, 7), row(a, b, 5)), q(row(a, b, 3), row(a, b, 1));
    const Wide inner = p.times(-1730, 11893) + q.times(-17799, 8697);
    const Wide outer = p.times(-4176, -4926) + q.times(7373, 20995);
    y[0] = narrowed<12>(first + even + outer);
    y[3] = narrowed<12>(first + even - outer);
    y[1] = narrowed<12>(first - even + inner);
    y[2] = narrowed<12>(first - even - inner);
  }
  clear(a, 8);
  clear(b, 8);
  const __m256i l01 = _mm256_unpacklo_epi16(y[0], y[1]), h01 = _mm256_unpackhi_epi16(y[0], y[1]);
  const __m256i l23 = _mm256_unpacklo_epi16(y[2], y[3]), h23 = _mm256_unpackhi_epi16(y[2], y[3]);
  // Two columns of four rows each.
  const __m256i c01 = _mm256_unpacklo_epi32(l01, l23), c23 = _mm256_unpackhi_epi32(l01, l23);
  const __m256i c45 = _mm256_unpacklo_epi32(h01, h23), c67 = _mm256_unpackhi_epi32(h01, h23);
  const auto times = [](__m256i pairs, int u, int v) {
    return _mm256_madd_epi16(pairs, weights(u, v));
  };
  const __m256i first = _mm256_srai_epi32(_mm256_unpacklo_epi16(zero, c01), 2);
  const __m256i even = times(_mm256_unpacklo_epi16(c23, c67), 15137, -6270);
  const __m256i p = _mm256_unpackhi_epi16(c67, c45), q = _mm256_unpackhi_epi16(c23, c01);
  const __m256i inner = _mm256_add_epi32(times(p, -1730, 11893), times(q, -17799, 8697));
  const __m256i outer = _mm256_add_epi32(times(p, -4176, -4926), times(q, 7373, 20995));
  const __m256i plus = _mm256_add_epi32(first, even), minus = _mm256_sub_epi32(first, even);
  const __m256i columns01 =
      narrowed<19>({_mm256_add_epi32(plus, outer), _mm256_add_epi32(minus, inner)});
  const __m256i columns23 =
      narrowed<19>({_mm256_sub_epi32(minus, inner), _mm256_sub_epi32(plus, outer)});
  const __m256i bytes =
      _mm256_shuffle_epi8(_mm256_packs_epi16(columns01, columns23),
                          _mm256_broadcastsi128_si256(
                              _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
  alignas(32) int32_t rows[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(rows),
                     _mm256_xor_si256(bytes, _mm256_set1_epi8(-128)));
  for (int i = 0; i < 4; ++i) {
    __builtin_memcpy(a.dst + i * a.stride, rows + i, 4);
    __builtin_memcpy(b.dst + i * b.stride, rows + 4 + i, 4);
  }
}

void pixels2(const BlockToPixels& a, const BlockToPixels& b) {
  const Wide first = widened<15>(row(a, b, 0));
  const Wide odd = Pairs(row(a, b, 7), row(a, b, 5)).times(-5906, 6967) +
                   Pairs(row(a, b, 3), row(a, b, 1)).times(-10426, 29692);
  const __m256i y[2] = {narrowed<13>(first + odd), narrowed<13>(first - odd)};
  clear(a, 8);
  clear(b, 8);
  const __m256i w =
      _mm256_broadcastsi128_si256(_mm_setr_epi16(0, 29692, 0, -10426, 0, 6967, 0, -5906));
  for (int r = 0; r < 2; ++r) {
    alignas(32) int32_t sums[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums), _mm256_madd_epi16(y[r], w));
    for (int half = 0; half < 2; ++half) {
      const BlockToPixels& block = half == 0 ? a : b;
      const int32_t* s = sums + 4 * half;
      const int64_t sum = int64_t{s[0]} + s[1] + s[2] + s[3];
      const __m128i words =
          half == 0 ? _mm256_castsi256_si128(y[r]) : _mm256_extracti128_si256(y[r], 1);
      const int64_t base = int64_t{static_cast<int16_t>(_mm_extract_epi16(words, 0))} * (1 << 15);
      const int64_t pixels[2] = {(base + sum + (1 << 19)) >> 20, (base - sum + (1 << 19)) >> 20};
      for (int x = 0; x < 2; ++x) {
        const int64_t v = pixels[x] + 128;
        block.dst[r * block.stride + x] = static_cast<uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
      }
    }
  }
}

// Words of 8 bits around 128 as words around 0, times a factor of 16 fractional bits, rounded.
inline __m256i times16(__m256i x, int factor) {
  const __m256i twice =
      _mm256_mulhi_epi16(_mm256_add_epi16(x, x), _mm256_set1_epi16(static_cast<int16_t>(factor)));
  return _mm256_srai_epi16(_mm256_add_epi16(twice, _mm256_set1_epi16(1)), 1);
}

struct Rgb {
  __m256i r, g, b;
};

// Sixteen pixels of 16 bits: R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb.
inline Rgb to_rgb(__m256i y, __m256i cb, __m256i cr) {
  const __m256i middle = _mm256_set1_epi16(128);
  cb = _mm256_sub_epi16(cb, middle);
  cr = _mm256_sub_epi16(cr, middle);
  const __m256i red = _mm256_add_epi16(times16(cr, 91881 - 65536), cr);
  const __m256i blue = _mm256_add_epi16(times16(cb, 116130 - 131072), _mm256_add_epi16(cb, cb));
  const __m256i w = weights(-22554, 65536 - 46802), half = _mm256_set1_epi32(1 << 15);
  const auto part = [&](__m256i pairs) {
    return _mm256_srai_epi32(_mm256_add_epi32(_mm256_madd_epi16(pairs, w), half), 16);
  };
  const __m256i green = _mm256_sub_epi16(
      _mm256_packs_epi32(part(_mm256_unpacklo_epi16(cb, cr)), part(_mm256_unpackhi_epi16(cb, cr))),
      cr);
  return {_mm256_add_epi16(y, red), _mm256_add_epi16(y, green), _mm256_add_epi16(y, blue)};
}

inline __m256i load(const uint8_t* src) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src));
}
inline void store(uint8_t* dst, __m256i x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst), x);
}

// 32 pixels of three planes to 96 bytes.
inline void store_interleaved(uint8_t* dst, __m256i r, __m256i g, __m256i b) {
  const auto spread = [](__m256i x, const signed char(&order)[16]) {
    return _mm256_shuffle_epi8(
        x, _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(order))));
  };
  static constexpr signed char kR[3][16] = {
      {0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5},
      {-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1},
      {-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1}};
  static constexpr signed char kG[3][16] = {
      {-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1},
      {5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10},
      {-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1}};
  static constexpr signed char kB[3][16] = {
      {-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1},
      {-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1},
      {10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15}};
  __m256i part[3];  // of the first 16 pixels, and of the second
  for (int i = 0; i < 3; ++i)
    part[i] =
        _mm256_or_si256(_mm256_or_si256(spread(r, kR[i]), spread(g, kG[i])), spread(b, kB[i]));
  store(dst, _mm256_permute2x128_si256(part[0], part[1], 0x20));
  store(dst + 32, _mm256_permute2x128_si256(part[2], part[0], 0x30));
  store(dst + 64, _mm256_permute2x128_si256(part[1], part[2], 0x31));
}

void rgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int64_t n, uint8_t* dst) {
  const __m256i zero = _mm256_setzero_si256();
  for (int64_t i = 0; i < n; i += 32) {
    const __m256i y8 = load(y + i), cb8 = load(cb + i), cr8 = load(cr + i);
    const Rgb low = to_rgb(_mm256_unpacklo_epi8(y8, zero), _mm256_unpacklo_epi8(cb8, zero),
                           _mm256_unpacklo_epi8(cr8, zero));
    const Rgb high = to_rgb(_mm256_unpackhi_epi8(y8, zero), _mm256_unpackhi_epi8(cb8, zero),
                            _mm256_unpackhi_epi8(cr8, zero));
    store_interleaved(dst + 3 * i, _mm256_packus_epi16(low.r, high.r),
                      _mm256_packus_epi16(low.g, high.g), _mm256_packus_epi16(low.b, high.b));
  }
}

inline __m256i words(const uint8_t* src) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(src)));
}
inline __m256i thrice(__m256i x) { return _mm256_add_epi16(_mm256_add_epi16(x, x), x); }

void twice_across(const uint8_t* src, int64_t n, uint8_t* dst) {
  for (int64_t i = 0; i < n; i += 16) {
    const __m256i here = thrice(words(src + i));
    const __m256i even = _mm256_srli_epi16(
        _mm256_add_epi16(_mm256_add_epi16(here, words(src + i - 1)), _mm256_set1_epi16(1)), 2);
    const __m256i odd = _mm256_srli_epi16(
        _mm256_add_epi16(_mm256_add_epi16(here, words(src + i + 1)), _mm256_set1_epi16(2)), 2);
    store(dst + 2 * i, _mm256_or_si256(even, _mm256_slli_epi16(odd, 8)));
  }
}

void twice_both(const uint8_t* near, const uint8_t* far, int64_t n, uint8_t* dst) {
  const auto column = [&](int64_t i) {
    return _mm256_add_epi16(thrice(words(near + i)), words(far + i));
  };
  for (int64_t i = 0; i < n; i += 16) {
    const __m256i here = thrice(column(i));
    const __m256i even = _mm256_srli_epi16(
        _mm256_add_epi16(_mm256_add_epi16(here, column(i - 1)), _mm256_set1_epi16(8)), 4);
    const __m256i odd = _mm256_srli_epi16(
        _mm256_add_epi16(_mm256_add_epi16(here, column(i + 1)), _mm256_set1_epi16(7)), 4);
    store(dst + 2 * i, _mm256_or_si256(even, _mm256_slli_epi16(odd, 8)));
  }
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels = {pixels8, pixels4, pixels2, rgb, twice_across, twice_both};

}  // namespace andiron::images::jpeg::ANDIRON_ISA
