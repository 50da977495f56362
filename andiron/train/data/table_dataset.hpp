#pragma once

#include <memory>
#include <vector>

#include "andiron/train/data/table.hpp"

namespace andiron::train {

/// Batches of rows of a table: rows [first, first + n) of its order (n < 0: to its end). From
/// memory, the same batches as ArrayDataset makes of the same rows. From a spill, blocks come in a
/// random order and rows are shuffled within windows of several blocks (spilled_dataset.cpp).
/// Throws Error when fields do not fit the columns or there are no rows.
std::shared_ptr<Dataset> make_dataset(std::shared_ptr<const Table> table,
                                      std::vector<TableField> fields, DataOptions options,
                                      int64_t first = 0, int64_t n = -1);

/// What checkpoints know the data by: the table's digest (of the content only when the table
/// stands in that order), the rows taken and the geometry of its spill.
uint64_t digest_of(const Table& table, int64_t first, int64_t n);

}  // namespace andiron::train
