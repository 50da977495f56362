#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// What softmax_rows.cpp runs, per instruction set: one row of n floats at a time.
struct SoftmaxTable {
  void (*softmax)(const float* x, float* dst, int64_t n);
  void (*log_softmax)(const float* x, float* dst, int64_t n);
  float (*logsumexp)(const float* x, int64_t n);
  float (*cross_entropy)(const float* x, int64_t n, int64_t label);
  void (*cross_entropy_grad)(const float* x, int64_t n, int64_t label, float g, float* dst);
  /// Of `width` <= kColumns columns of n elements, which lie `stride` apart.
  void (*softmax_columns)(const float* x, float* dst, int64_t n, int64_t stride, int64_t width);
  void (*log_softmax_columns)(const float* x, float* dst, int64_t n, int64_t stride, int64_t width);
  /// dst: one number for each column.
  void (*logsumexp_columns)(const float* x, float* dst, int64_t n, int64_t stride, int64_t width);

  static constexpr int64_t kColumns = 64;
};

namespace avx2 {
extern const SoftmaxTable kSoftmaxTable;
}
namespace avx512 {
extern const SoftmaxTable kSoftmaxTable;
}

inline const SoftmaxTable& softmax_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kSoftmaxTable : avx2::kSoftmaxTable;
}

}  // namespace andiron::exec
