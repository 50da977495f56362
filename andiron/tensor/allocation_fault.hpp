#pragma once

#include <cstdint>

namespace andiron {

/// For tests of what a lack of memory does to us. While it lives, `Buffer::allocate` fails on any
/// thread after `n` more calls: once, or from then on. One at a time in a process.
class AllocationFault {
 public:
  explicit AllocationFault(int64_t n, bool lasting = false);
  ~AllocationFault();
  AllocationFault(const AllocationFault&) = delete;
  AllocationFault& operator=(const AllocationFault&) = delete;

  bool happened() const;
};

}  // namespace andiron
