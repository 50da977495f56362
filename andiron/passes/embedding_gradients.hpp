#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Chooses how the gradients of embedding tables are added up, for a batch of `batch` samples.
/// Training steps come with lists of values, summed where the touched rows are updated. When the
/// batch is large beside a table, the list would outgrow the table many times over; then the values
/// are added up into a matrix as high as the table, tile by tile. Where rows that
/// the batch does not use move too, or would not move by it, all rows are updated and the ids need no
/// sorting; lazy tables still move the same rows only.
Graph choose_embedding_gradients(const Graph& symbolic, int64_t batch, int threads);

/// Whether n values for a table of n_rows rows are added up into a matrix.
bool prefers_dense_gradient(int64_t n, int64_t n_rows, int threads);

}  // namespace andiron
