#pragma once

#include <array>
#include <cstdint>

namespace andiron {

/// Philox4x32-10, a counter-based random generator (Salmon et al., "Parallel random numbers: as
/// easy as 1, 2, 3", SC 2011). Stateless: the same (key, counter) gives the same four words on any
/// number of threads and in any order.
struct Philox {
  uint64_t key;

  std::array<uint32_t, 4> operator()(uint64_t counter_low, uint64_t counter_high = 0) const {
    uint32_t c0 = static_cast<uint32_t>(counter_low);
    uint32_t c1 = static_cast<uint32_t>(counter_low >> 32);
    uint32_t c2 = static_cast<uint32_t>(counter_high);
    uint32_t c3 = static_cast<uint32_t>(counter_high >> 32);
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = 0xD2511F53ULL * c0;
      const uint64_t p1 = 0xCD9E8D57ULL * c2;
      const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c1 = static_cast<uint32_t>(p1);
      c3 = static_cast<uint32_t>(p0);
      c0 = n0;
      c2 = n2;
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    return {c0, c1, c2, c3};
  }
};

/// Uniform float in [0, 1) from 24 random bits.
inline float uniform_float(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24F; }

/// Uniform double in [0, 1) from 53 random bits.
inline double uniform_double(uint32_t high, uint32_t low) {
  return static_cast<double>(((static_cast<uint64_t>(high) << 32) | low) >> 11) * 0x1p-53;
}

/// Mixes words into one 64-bit key (SplitMix64's finalizer), to derive independent streams.
inline uint64_t mix_key(uint64_t a, uint64_t b) {
  uint64_t z = a + 0x9E3779B97F4A7C15ULL * (b + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace andiron
