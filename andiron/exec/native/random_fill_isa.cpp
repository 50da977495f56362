#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec::ANDIRON_ISA {

// Philox4x32-10 as in base/philox.hpp, 16 consecutive counters at a time, one per lane.
void fill_uniform(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float low,
                  float high) {
  constexpr int kLanes = 16;
  const float below_high = __builtin_nextafterf(high, low);
  for (int64_t first = 0; first < n_blocks; first += kLanes) {
    uint32_t c[4][kLanes];
    for (int j = 0; j < kLanes; ++j) {
      const uint64_t counter = static_cast<uint64_t>(block + first + j);
      c[0][j] = static_cast<uint32_t>(counter);
      c[1][j] = static_cast<uint32_t>(counter >> 32);
      c[2][j] = 0;
      c[3][j] = 0;
    }
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      for (int j = 0; j < kLanes; ++j) {
        const uint64_t p0 = 0xD2511F53ULL * c[0][j], p1 = 0xCD9E8D57ULL * c[2][j];
        const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c[1][j] ^ k0;
        const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c[3][j] ^ k1;
        c[1][j] = static_cast<uint32_t>(p1);
        c[3][j] = static_cast<uint32_t>(p0);
        c[0][j] = n0;
        c[2][j] = n2;
      }
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    float u[4][kLanes];
    for (int w = 0; w < 4; ++w)
      for (int j = 0; j < kLanes; ++j) {
        const float unit = static_cast<float>(static_cast<int32_t>(c[w][j] >> 8)) * 0x1p-24F;
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
