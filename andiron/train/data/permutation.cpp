#include "andiron/train/data/permutation.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace andiron::train {

Permutation::Permutation(int64_t n, uint64_t key, int64_t table_limit) : n_(n) {
  if (n <= table_limit) {
    table_.resize(static_cast<size_t>(n));
    std::iota(table_.begin(), table_.end(), 0U);
    const Philox philox{key};
    for (int64_t i = n - 1; i > 0; --i) {
      const auto words = philox(static_cast<uint64_t>(i));
      const uint64_t random = static_cast<uint64_t>(words[0]) << 32 | words[1];
      std::swap(table_[static_cast<size_t>(i)],
                table_[bounded(random, static_cast<uint64_t>(i) + 1)]);
    }
    return;
  }
  const int bits = std::max(2, static_cast<int>(std::bit_width(static_cast<uint64_t>(n - 1))));
  low_bits_ = bits / 2;
  low_mask_ = (uint64_t{1} << low_bits_) - 1;
  high_mask_ = (uint64_t{1} << (bits - low_bits_)) - 1;
  for (int r = 0; r < kRounds; ++r) keys_[r] = mix_key(key, static_cast<uint64_t>(r) + 1);
}

}  // namespace andiron::train
