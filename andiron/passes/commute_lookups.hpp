#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Products of looked-up rows are taken once for each row of the table that occurs, and looked up
/// then, where a batch of `batch` samples uses its rows again and again:
///
///     dense(embedding(T, ids), W)            =  embedding(T W, ids)
///     its gradient for W:  T[ids]ᵀ G         =  Tᵀ S          S: the sums of G's rows by id
///     its gradient for T:  sum by id of G Wᵀ =  S Wᵀ
///
/// and the same for the parts of a concatenation. For tables whose gradients are matrices
/// (see choose_embedding_gradients, which must have run) T is the whole table, otherwise the rows
/// that occur, which the sort of the batch's ids lists.
Graph commute_lookups(const Graph& symbolic, int64_t batch, int threads);

}  // namespace andiron
