#pragma once

#include <cstdint>

namespace andiron::nn {

/// Sets where the seeds of initializers and dropout that were not given one come from: the same
/// seed, then the same layers built in the same order, gives the same numbers on any machine and
/// any number of threads. A process starts with seed 0. Thread-safe.
void set_random_seed(int64_t seed);

/// The next seed of the stream that `set_random_seed` started, or of this thread's SeedScope; never
/// negative.
int64_t next_seed();

/// While one lives, seeds that its thread draws come from `seed` alone, and the process's stream
/// stays where it is. Scopes of a thread end in the order opposite to their beginning.
class SeedScope {
 public:
  explicit SeedScope(int64_t seed);
  ~SeedScope();
  SeedScope(const SeedScope&) = delete;
  SeedScope& operator=(const SeedScope&) = delete;

 private:
  friend int64_t next_seed();
  uint64_t seed_, drawn_ = 0;
  SeedScope* before_;
};

}  // namespace andiron::nn
