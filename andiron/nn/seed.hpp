#pragma once

#include <cstdint>

namespace andiron::nn {

/// Sets where the seeds of initializers and dropout that were not given one come from: the same
/// seed, then the same layers built in the same order, gives the same numbers on any machine and
/// any number of threads. A process starts with seed 0. Thread-safe.
void set_random_seed(int64_t seed);

/// The next seed of the stream that `set_random_seed` started; never negative.
int64_t next_seed();

}  // namespace andiron::nn
