#pragma once

#include <cmath>

#include "andiron/base/philox.hpp"

namespace andiron::images {

/// The random numbers of one sample in one epoch: the same on any thread and in any order.
class RandomStream {
 public:
  RandomStream(uint64_t seed, int64_t epoch, int64_t sample)
      : philox_{mix_key(mix_key(seed, static_cast<uint64_t>(epoch) + 0x1A6E),
                        static_cast<uint64_t>(sample))} {}

  /// In [0, 1).
  double uniform() {
    if (at_ == 4) {
      words_ = philox_(counter_++);
      at_ = 0;
    }
    const double value = uniform_double(words_[at_], words_[at_ + 1]);
    at_ += 2;
    return value;
  }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// In [0, n).
  int64_t below(int64_t n) {
    return static_cast<int64_t>(std::floor(uniform() * static_cast<double>(n)));
  }
  bool happens(double probability) { return uniform() < probability; }

 private:
  Philox philox_;
  uint64_t counter_ = 0;
  std::array<uint32_t, 4> words_ = {};
  size_t at_ = 4;
};

}  // namespace andiron::images
