#pragma once

#include <cstdint>

#include "andiron/base/isa.hpp"

namespace andiron::linear {

/// The losses of one row of n scores, per instruction set. Each writes the derivative by the scores
/// to `r`, which may be `z`, and returns the loss.
struct LossRows {
  double (*softmax)(const float* z, int64_t n, int64_t label, float* r);
  double (*sigmoid)(const float* z, const float* y, int64_t n, float* r);
  double (*squared_hinge)(const float* z, const float* y, int64_t n, float* r);
  /// dst = a + t b
  void (*add_scaled)(const float* a, float t, const float* b, int64_t n, float* dst);
  /// <a, b>, added up in double
  double (*dot)(const float* a, const float* b, int64_t n);
};

namespace avx2 {
extern const LossRows kLossRows;
}
namespace avx512 {
extern const LossRows kLossRows;
}

inline const LossRows& loss_rows(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kLossRows : avx2::kLossRows;
}

}  // namespace andiron::linear
