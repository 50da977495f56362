#include "andiron/nn/seed.hpp"

#include <mutex>

#include "andiron/base/philox.hpp"

namespace andiron::nn {

namespace {

struct Stream {
  std::mutex mutex;
  uint64_t seed = 0, drawn = 0;
};

Stream& stream() {
  static Stream s;
  return s;
}

}  // namespace

void set_random_seed(int64_t seed) {
  std::lock_guard lock(stream().mutex);
  stream().seed = static_cast<uint64_t>(seed);
  stream().drawn = 0;
}

int64_t next_seed() {
  std::lock_guard lock(stream().mutex);
  // 53 bits: a seed survives JSON and JavaScript's numbers.
  return static_cast<int64_t>(mix_key(stream().seed, stream().drawn++) >> 11);
}

}  // namespace andiron::nn
