#pragma once

#include <cstdint>
#include <vector>

namespace andiron::exec {

/// A block of memory needed from step `first` to step `last`, both included.
struct Lifetime {
  int64_t n_bytes = 0;
  int first = 0, last = 0;
  int64_t offset = -1;  ///< the result
};

/// Gives every block an offset (a multiple of 64) such that blocks alive at the same step do not
/// overlap; largest first into the lowest gap that fits. Returns the size of the arena.
int64_t plan_memory(std::vector<Lifetime>& blocks);

}  // namespace andiron::exec
