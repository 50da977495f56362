#pragma once

#include <cstdint>

#include "andiron/graph/value.hpp"

namespace andiron::ops {

struct CountedMatmulOptions {
  bool transpose_a = false, transpose_b = false;
  bool zero_rest = true;  ///< else rows of the result from `count` on may be anything
};

/// The product of a matrix of which the first `count` [1] int32 rows are valid:
/// a [n, k] b [k, m] -> [n, m], zero from row `count` on (transpose_b: b [m, k]);
/// with transpose_a: a [n, k], b [n, m] -> [k, m], the sum over the valid rows.
Value counted_matmul(const Value& a, const Value& b, const Value& count,
                     const CountedMatmulOptions& options = {});

/// The count; throws Error when there are not so many rows.
int64_t checked_count(int32_t count, int64_t rows);

}  // namespace andiron::ops
