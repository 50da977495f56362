#pragma once

#include "andiron/graph/value.hpp"
#include "andiron/ops/embedding/row_sparse.hpp"

/// Work on the rows of a table that a batch uses, each once. passes/commute_lookups builds with it.
namespace andiron::ops {

/// [n] int32: the place of each id's row among the rows that occur, so that
/// embedding(table, ids) = embedding(occurring_rows(table, d, size), occurring_places(ids, d)).
/// Ids that are no rows are embedding's error.
Value occurring_places(const Value& ids, const Dedup& d);

/// [size, d]: the rows of the table that occur, ascending; anything from `count` on. REQUIRES that
/// no more than `size` can occur.
Value occurring_rows(const Value& table, const Dedup& d, int64_t size);

}  // namespace andiron::ops
