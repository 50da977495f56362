#include <immintrin.h>

#include <cstdint>

#include "andiron/exec/native/isa.hpp"
#include "andiron/exec/native/vector_trigonometry.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int kVectors = 4, kLanes = 4 * kVectors;

// Four words for each of kLanes counters, one word of all of them behind the other.
struct Words {
  uint64_t word[4][kLanes];  // the upper halves are arbitrary
  uint32_t at(int w, int j) const { return static_cast<uint32_t>(word[w][j]); }
};

// Philox4x32-10 as in base/philox.hpp, of consecutive counters. By intrinsics, because GCC does not
// find the widening multiplication of every second word.
inline void philox(uint64_t key, int64_t first, Words& out) {
  const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
  // One 32-bit word in the lower half of each 64-bit lane; the upper halves are never read.
  __m256i c0[kVectors], c1[kVectors], c2[kVectors], c3[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const __m256i counter =
        _mm256_add_epi64(_mm256_set1_epi64x(first + 4 * v), _mm256_setr_epi64x(0, 1, 2, 3));
    c0[v] = counter;
    c1[v] = _mm256_srli_epi64(counter, 32);
    c2[v] = c3[v] = _mm256_setzero_si256();
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const __m256i key0 = _mm256_set1_epi64x(k0), key1 = _mm256_set1_epi64x(k1);
    for (int v = 0; v < kVectors; ++v) {
      const __m256i p0 = _mm256_mul_epu32(c0[v], m0), p1 = _mm256_mul_epu32(c2[v], m1);
      c0[v] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), c1[v]), key0);
      c2[v] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), c3[v]), key1);
      c1[v] = p1;
      c3[v] = p0;
    }
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  for (int v = 0; v < kVectors; ++v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.word[0] + 4 * v), c0[v]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.word[1] + 4 * v), c1[v]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.word[2] + 4 * v), c2[v]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.word[3] + 4 * v), c3[v]);
  }
}

// Box and Muller of 24 bits each, as ops/random/draw.hpp in double precision: the angle is cut down
// to an eighth of a turn while it is an integer, so that results near zero are as exact as others.
inline void normal_pair(uint32_t word, uint32_t turn, float mean, float stddev, float& a,
                        float& b) {
  constexpr int32_t kQuarter = 1 << 22;
  // 1 - u in (0, 1], exactly.
  const auto left = static_cast<float>((1 << 24) - static_cast<int32_t>(word >> 8)) * 0x1p-24F;
  const auto [m, k] = split_exponent(left);
  const float radius = stddev * __builtin_sqrtf(-2.0F * log_of_parts(m - 1.0F, k, 0.0F));
  const auto angle = static_cast<int32_t>(turn >> 8);
  const int32_t n = (angle + kQuarter / 2) >> 22;
  const float r = static_cast<float>(angle - n * kQuarter) * (kHalfPi / kQuarter), z = r * r;
  const float s = sine_near_zero(r, z), c = cosine_near_zero(z);
  const float across = (n & 1) != 0 ? -s : c, up = (n & 1) != 0 ? c : s;
  a = fma(radius, (n & 2) != 0 ? -across : across, mean);
  b = fma(radius, (n & 2) != 0 ? -up : up, mean);
}

// Calls f(words, values) for kLanes blocks at a time, and brings the values, one word of all blocks
// behind the other, to their places.
template <class F>
inline void fill_blocks(float* dst, uint64_t key, int64_t block, int64_t n_blocks, F f) {
  for (int64_t first = 0; first < n_blocks; first += kLanes) {
    Words words;
    philox(key, block + first, words);
    float value[4][kLanes];
    f(words, value);
    const int64_t left = n_blocks - first;
    float* at = dst + first * 4;
    if (left >= kLanes) {
      for (int j = 0; j < kLanes; ++j)
        for (int w = 0; w < 4; ++w) at[j * 4 + w] = value[w][j];
    } else {
      for (int64_t j = 0; j < left; ++j)
        for (int w = 0; w < 4; ++w) at[j * 4 + w] = value[w][j];
    }
  }
}

}  // namespace

void fill_uniform(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float low,
                  float high) {
  const float below_high = __builtin_nextafterf(high, low);
  fill_blocks(dst, key, block, n_blocks, [=](const Words& words, float(&value)[4][kLanes]) {
    for (int w = 0; w < 4; ++w)
      for (int j = 0; j < kLanes; ++j) {
        const float unit = static_cast<float>(static_cast<int32_t>(words.at(w, j) >> 8)) * 0x1p-24F;
        const float x = __builtin_fmaf(unit, high - low, low);
        value[w][j] = x < high ? x : below_high;
      }
  });
}

void fill_normal(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float mean,
                 float stddev) {
  fill_blocks(dst, key, block, n_blocks, [=](const Words& words, float(&value)[4][kLanes]) {
    for (int w = 0; w < 4; w += 2)
      for (int j = 0; j < kLanes; ++j)
        normal_pair(words.at(w, j), words.at(w + 1, j), mean, stddev, value[w][j], value[w + 1][j]);
  });
}

}  // namespace andiron::exec::ANDIRON_ISA
