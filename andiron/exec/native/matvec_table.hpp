#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// A row-major matrix; rows lie `stride` elements apart.
struct MatrixView {
  const float* data;
  int64_t rows, cols, stride;
};

/// What happens to a sum before it is stored.
struct SumEnd {
  const float* bias = nullptr;  ///< may be null
  int64_t bias_stride = 1;      ///< 0: one bias for all
  bool relu = false;            ///< keeps NaN
  bool add = false;             ///< dst += instead of dst =
};

/// What matvec.cpp runs, per instruction set. The order of each sum depends on the shape only.
struct MatvecTable {
  /// dst[r * dst_stride] = <row r, v>
  void (*dot_rows)(const MatrixView& m, const float* v, float* dst, int64_t dst_stride,
                   const SumEnd& end);
  /// dst[c] = sum over r of v[r] m[r, c]
  void (*add_rows)(const MatrixView& m, const float* v, float* dst, const SumEnd& end);
  /// dst[r * dst_stride + c] = a[r * a_stride] b[c]
  void (*outer)(const float* a, int64_t a_stride, int64_t rows, const float* b, int64_t cols,
                float* dst, int64_t dst_stride, bool add);
};

namespace avx2 {
extern const MatvecTable kMatvecTable;
}
namespace avx512 {
extern const MatvecTable kMatvecTable;
}

inline const MatvecTable& matvec_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kMatvecTable : avx2::kMatvecTable;
}

}  // namespace andiron::exec
