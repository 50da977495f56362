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

thread_local SeedScope* innermost = nullptr;

// 53 bits: a seed survives JSON and JavaScript's numbers.
int64_t drawn_from(uint64_t seed, uint64_t drawn) {
  return static_cast<int64_t>(mix_key(seed, drawn) >> 11);
}

}  // namespace

SeedScope::SeedScope(int64_t seed) : seed_(static_cast<uint64_t>(seed)), before_(innermost) {
  innermost = this;
}

SeedScope::~SeedScope() { innermost = before_; }

void set_random_seed(int64_t seed) {
  std::lock_guard lock(stream().mutex);
  stream().seed = static_cast<uint64_t>(seed);
  stream().drawn = 0;
}

int64_t next_seed() {
  if (innermost != nullptr) return drawn_from(innermost->seed_, innermost->drawn_++);
  std::lock_guard lock(stream().mutex);
  return drawn_from(stream().seed, stream().drawn++);
}

}  // namespace andiron::nn
