#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// What pooling with channels last does for one output, per instruction set: rows of channels
/// become one, which stays in registers meanwhile.
struct PoolTable {
  /// dst[c] = the largest of rows[0][c] ... rows[n - 1][c], NaN if one of them is; n > 0.
  void (*largest)(const float* const* rows, int64_t n, int64_t channels, float* dst);
  /// dst[c] = share times their sum.
  void (*mean)(const float* const* rows, int64_t n, int64_t channels, float share, float* dst);
};

namespace avx2 {
extern const PoolTable kPoolTable;
}
namespace avx512 {
extern const PoolTable kPoolTable;
}

inline const PoolTable& pool_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kPoolTable : avx2::kPoolTable;
}

}  // namespace andiron::exec
