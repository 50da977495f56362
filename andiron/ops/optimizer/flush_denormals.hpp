#pragma once

#include <immintrin.h>

namespace andiron::ops {

/// While it lives, denormal numbers count as zero on this thread. Slots of untouched rows decay
/// towards zero and would stay denormal for ever, at a hundred cycles an operation.
class FlushDenormals {
 public:
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040U); }
  ~FlushDenormals() { _mm_setcsr(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned before_;
};

}  // namespace andiron::ops
