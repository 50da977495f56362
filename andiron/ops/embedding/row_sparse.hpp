#pragma once

#include <vector>

#include "andiron/graph/value.hpp"

/// What optimizers make of row-sparse gradients. Users need none of it.
namespace andiron::ops {

/// The [n_rows, d] sum of values [n, d] by ids [n] (negative: none). Adds up tile by tile.
Value embedding_grad_dense(const Value& ids, const Value& values, int64_t n_rows);

/// ids [n] sorted by row, stable: which positions belong to each row that occurs.
struct Dedup {
  Value order;   ///< [n] int32: positions, those of one row together and ascending
  Value rows;    ///< [n] int32: the rows that occur, ascending; the first `count` are valid
  Value starts;  ///< [n + 1] int32: row j's positions are order[starts[j]] .. order[starts[j+1]]
  Value count;   ///< [1] int32
};
Dedup dedup(const Value& ids, int64_t n_rows);

/// values [n, d] -> [n, d]: row j is the sum over the positions of row j of `d`, in order; rows
/// from `count` on are zero. With a size: [size, d], where rows from `count` on may be anything;
/// REQUIRES that no more than `size` rows can occur.
Value sum_segments(const Dedup& d, const Value& values, int64_t size = -1);

}  // namespace andiron::ops
