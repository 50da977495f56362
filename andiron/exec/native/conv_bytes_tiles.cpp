#include "andiron/exec/native/conv_bytes_tiles.hpp"

#include <immintrin.h>

#include <cstring>

namespace andiron::exec {

namespace {

constexpr int kLanes = kConvBytesLanes;
constexpr int kNarrow = 6;  // pixels of a tile of small groups

__m256i quad_of_all(const uint8_t* at) {
  int32_t quad;
  std::memcpy(&quad, at, sizeof(quad));
  return _mm256_set1_epi32(quad);
}

template <int kPixels, int kVectors>
struct Sums {
  __m256i of[kPixels][kVectors];
};

// What is left of a block to multiply.
struct Rest {
  const __m256i* weights;
  const int32_t* offsets;
};

// `n` groups of kQuads, whose products are added in 16 bits before they are in 32.
template <int kQuads, int kPixels, int kVectors>
[[gnu::always_inline]] inline void add_groups(int64_t n, const uint8_t* const* src, Rest& rest,
                                              Sums<kPixels, kVectors>& sums) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t g = 0; g < n; ++g) {
    __m256i words[kPixels][kVectors];
#pragma GCC unroll 8
    for (int q = 0; q < kQuads; ++q) {
      const int64_t offset = rest.offsets[q];
#pragma GCC unroll 8
      for (int p = 0; p < kPixels; ++p) {
        const __m256i x = quad_of_all(src[p] + offset);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          const __m256i products = _mm256_maddubs_epi16(x, rest.weights[q * kVectors + v]);
          words[p][v] = q == 0 ? products : _mm256_add_epi16(words[p][v], products);
          asm volatile("" : "+x"(words[p][v]));  // in this order, or registers do not suffice
        }
      }
    }
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v)
        sums.of[p][v] = _mm256_add_epi32(sums.of[p][v], _mm256_madd_epi16(words[p][v], ones));
    rest.weights += kQuads * kVectors;
    rest.offsets += kQuads;
  }
}

// The same a pixel after the other, so that only its sums need registers: no more than two quads.
template <int kQuads, int kPixels, int kVectors>
[[gnu::always_inline]] inline void add_narrow(int64_t n, const uint8_t* const* src, Rest& rest,
                                              Sums<kPixels, kVectors>& sums) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t g = 0; g < n; ++g) {
    const int64_t first = rest.offsets[0], second = rest.offsets[kQuads - 1];
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p) {
      const __m256i x = quad_of_all(src[p] + first);
      __m256i y = x;
      if constexpr (kQuads == 2) y = quad_of_all(src[p] + second);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        __m256i words = _mm256_maddubs_epi16(x, rest.weights[v]);
        if constexpr (kQuads == 2)
          words = _mm256_add_epi16(words, _mm256_maddubs_epi16(y, rest.weights[kVectors + v]));
        asm volatile("" : "+x"(words));
        sums.of[p][v] = _mm256_add_epi32(sums.of[p][v], _mm256_madd_epi16(words, ones));
      }
    }
    rest.weights += kQuads * kVectors;
    rest.offsets += kQuads;
  }
}

// int32 of 8 or 16 filters, in range, as bytes in order.
template <int kVectors>
__m128i bytes_of(const __m256i* whole, bool is_signed) {
  const __m256i words = _mm256_packs_epi32(whole[0], whole[kVectors - 1]);
  const __m256i ordered = _mm256_permute4x64_epi64(words, 0xD8);
  const __m128i low = _mm256_castsi256_si128(ordered), high = _mm256_extracti128_si256(ordered, 1);
  return is_signed ? _mm_packs_epi16(low, high) : _mm_packus_epi16(low, high);
}

template <ConvBytesResult kType>
__m256 residual_of(const std::byte* at) {
  if constexpr (kType == ConvBytesResult::f32)
    return _mm256_loadu_ps(reinterpret_cast<const float*>(at));
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
  return _mm256_cvtepi32_ps(kType == ConvBytesResult::u8 ? _mm256_cvtepu8_epi32(bytes)
                                                         : _mm256_cvtepi8_epi32(bytes));
}

// A pixel: `dst` and `residual` have room for all lanes.
template <ConvBytesResult kType, int kVectors>
[[gnu::always_inline]] inline void store_lanes(const ConvBytesBlock& block, const ConvBytesEnd& end,
                                               const __m256i* sums, const std::byte* residual,
                                               std::byte* dst) {
  constexpr int kItem = kType == ConvBytesResult::f32 ? 4 : 1;
  const __m256 low = _mm256_set1_ps(end.low), high = _mm256_set1_ps(end.high);
  __m256i whole[kVectors];
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    __m256 y =
        _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[v]), _mm256_loadu_ps(block.scale + v * kLanes),
                        _mm256_loadu_ps(block.shift + v * kLanes));
    if (residual != nullptr)
      y = _mm256_fmadd_ps(_mm256_set1_ps(end.residual_scale),
                          residual_of<kType>(residual + v * kLanes * kItem), y);
    if constexpr (kType == ConvBytesResult::f32) {  // a NaN stays
      y = _mm256_min_ps(high, _mm256_max_ps(low, y));
      _mm256_storeu_ps(reinterpret_cast<float*>(dst) + v * kLanes, y);
    } else {  // a NaN is the lowest
      whole[v] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(y, low), high));
    }
  }
  if constexpr (kType != ConvBytesResult::f32) {
    const __m128i bytes = bytes_of<kVectors>(whole, kType == ConvBytesResult::i8);
    if constexpr (kVectors == 2) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), bytes);
    } else {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(dst), bytes);
    }
  }
}

template <ConvBytesResult kType, int kPixels, int kVectors>
[[gnu::always_inline]] inline void tile(const ConvBytesBlock& block, const ConvBytesEnd& end,
                                        const uint8_t* const* src, int64_t first) {
  const uint8_t* pixels[kPixels];
  for (int p = 0; p < kPixels; ++p) pixels[p] = src[first + p];
  Sums<kPixels, kVectors> sums;
  for (auto& pixel : sums.of)
    for (__m256i& sum : pixel) sum = _mm256_setzero_si256();
  Rest rest{reinterpret_cast<const __m256i*>(block.weights), block.offsets};
  static_assert(kConvBytesMost == 4);
  if constexpr (kPixels == kNarrow) {
    add_narrow<2>(block.groups[1], pixels, rest, sums);
    add_narrow<1>(block.groups[0], pixels, rest, sums);
  } else {
    add_groups<4>(block.groups[3], pixels, rest, sums);
    add_groups<3>(block.groups[2], pixels, rest, sums);
    add_groups<2>(block.groups[1], pixels, rest, sums);
    add_groups<1>(block.groups[0], pixels, rest, sums);
  }

  constexpr int64_t kItem = kType == ConvBytesResult::f32 ? 4 : 1;
  const bool all = block.filters == kVectors * kLanes;
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p) {
    std::byte* dst = end.dst + (first + p) * end.dst_stride;
    const std::byte* residual =
        end.residual == nullptr ? nullptr : end.residual + (first + p) * end.residual_stride;
    if (all) {
      store_lanes<kType, kVectors>(block, end, sums.of[p], residual, dst);
      continue;
    }
    alignas(32) std::byte there[kVectors * kLanes * kItem], result[kVectors * kLanes * kItem] = {};
    const auto n = static_cast<size_t>(block.filters * kItem);
    if (residual != nullptr) residual = static_cast<std::byte*>(std::memcpy(there, residual, n));
    store_lanes<kType, kVectors>(block, end, sums.of[p], residual, result);
    std::memcpy(dst, result, n);
  }
}

template <ConvBytesResult kType, int kVectors>
void tiles(const ConvBytesBlock& block, const ConvBytesEnd& end, const uint8_t* const* src,
           int64_t n) {
  int64_t i = 0;
  // Short sums in small groups: the more pixels share what a tile costs beside them.
  if (block.groups[2] + block.groups[3] == 0 && 4 * block.groups[1] <= block.groups[0])
    for (; i + kNarrow <= n; i += kNarrow) tile<kType, kNarrow, kVectors>(block, end, src, i);
  for (; i + kConvBytesPixels <= n; i += kConvBytesPixels)
    tile<kType, kConvBytesPixels, kVectors>(block, end, src, i);
  static_assert(kConvBytesPixels == 3);
  if (n - i == 2) tile<kType, 2, kVectors>(block, end, src, i);
  if (n - i == 1) tile<kType, 1, kVectors>(block, end, src, i);
}

template <ConvBytesResult kType>
void tiles(const ConvBytesBlock& block, const ConvBytesEnd& end, const uint8_t* const* src,
           int64_t n) {
  block.vectors == 2 ? tiles<kType, 2>(block, end, src, n) : tiles<kType, 1>(block, end, src, n);
}

}  // namespace

void conv_bytes_pixels(const ConvBytesBlock& block, const ConvBytesEnd& end,
                       const uint8_t* const* src, int64_t n) {
  switch (end.type) {
    case ConvBytesResult::u8:
      return tiles<ConvBytesResult::u8>(block, end, src, n);
    case ConvBytesResult::i8:
      return tiles<ConvBytesResult::i8>(block, end, src, n);
    case ConvBytesResult::f32:
      return tiles<ConvBytesResult::f32>(block, end, src, n);
  }
}

}  // namespace andiron::exec
