#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// What softmax_rows.cpp runs, per instruction set.
struct SoftmaxTable {
  /// Of `rows` rows of n floats; a row's bits are the same wherever it stands.
  void (*softmax)(const float* x, float* dst, int64_t rows, int64_t n);
  void (*log_softmax)(const float* x, float* dst, int64_t rows, int64_t n);
  /// dst: one number for each row, like `labels` and `g`.
  void (*logsumexp)(const float* x, float* dst, int64_t rows, int64_t n);
  void (*cross_entropy)(const float* x, const int64_t* labels, float* dst, int64_t rows, int64_t n);
  void (*cross_entropy_grad)(const float* x, const int64_t* labels, const float* g, float* dst,
                             int64_t rows, int64_t n);
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
