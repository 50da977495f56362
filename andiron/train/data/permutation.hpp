#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "andiron/base/philox.hpp"

namespace andiron::train {

/// Uniform in [0, n) from 64 random bits (biased by less than n / 2^64).
inline uint64_t bounded(uint64_t random, uint64_t n) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(random) * n) >> 64);
}

/// A random order of [0, n), a function of the key only. Up to 4 million elements it is a
/// Fisher-Yates shuffle, uniform over all orders. Beyond, it is a keyed Feistel network over the
/// bits of the index (Black & Rogaway, "Ciphers with arbitrary finite domains", 2002): no table, no
/// time to set up.
class Permutation {
 public:
  static constexpr int64_t kTableLimit = int64_t{1} << 22;

  Permutation() = default;
  Permutation(int64_t n, uint64_t key, int64_t table_limit = kTableLimit);

  int64_t size() const { return n_; }
  int64_t operator[](int64_t i) const {
    if (!table_.empty()) return table_[static_cast<size_t>(i)];
    uint64_t x = static_cast<uint64_t>(i);
    do {
      x = encrypt(x);  // walks the cycle until it is back in the range
    } while (x >= static_cast<uint64_t>(n_));
    return static_cast<int64_t>(x);
  }

 private:
  static constexpr int kRounds = 8;
  uint64_t encrypt(uint64_t x) const {
    uint64_t low = x & low_mask_, high = x >> low_bits_;
    for (int r = 0; r < kRounds; r += 2) {
      low ^= mix_key(high, keys_[r]) & low_mask_;
      high ^= mix_key(low, keys_[r + 1]) & high_mask_;
    }
    return high << low_bits_ | low;
  }

  int64_t n_ = 0;
  std::vector<uint32_t> table_;
  uint64_t keys_[kRounds] = {};
  uint64_t low_mask_ = 0, high_mask_ = 0;
  int low_bits_ = 0;
};

}  // namespace andiron::train
