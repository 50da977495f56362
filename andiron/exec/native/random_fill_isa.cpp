#include <immintrin.h>

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec::ANDIRON_ISA {

// Philox4x32-10 as in base/philox.hpp, 16 consecutive counters at a time. By intrinsics, because
// GCC does not find the widening multiplication of every second word.
void fill_uniform(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float low,
                  float high) {
  constexpr int kVectors = 4, kLanes = 4 * kVectors;
  const float below_high = __builtin_nextafterf(high, low);
  const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
  for (int64_t first = 0; first < n_blocks; first += kLanes) {
    // One 32-bit word in the lower half of each 64-bit lane; the upper halves are never read.
    __m256i c0[kVectors], c1[kVectors], c2[kVectors], c3[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const __m256i counter = _mm256_add_epi64(_mm256_set1_epi64x(block + first + 4 * v),
                                               _mm256_setr_epi64x(0, 1, 2, 3));
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
    uint64_t words[4][kLanes];
    for (int v = 0; v < kVectors; ++v) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(words[0] + 4 * v), c0[v]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(words[1] + 4 * v), c1[v]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(words[2] + 4 * v), c2[v]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(words[3] + 4 * v), c3[v]);
    }
    float u[4][kLanes];
    for (int w = 0; w < 4; ++w)
      for (int j = 0; j < kLanes; ++j) {
        const uint32_t word = static_cast<uint32_t>(words[w][j]);
        const float unit = static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24F;
        const float value = __builtin_fmaf(unit, high - low, low);
        u[w][j] = value < high ? value : below_high;
      }
    const int64_t left = n_blocks - first;
    const int n = left < kLanes ? static_cast<int>(left) : kLanes;
    for (int j = 0; j < n; ++j)
      for (int w = 0; w < 4; ++w) dst[(first + j) * 4 + w] = u[w][j];
  }
}

}  // namespace andiron::exec::ANDIRON_ISA
