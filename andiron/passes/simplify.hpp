#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Algebra that never changes a result's bits, or only by what a reordering of two exact operations
/// does: x*1, x+0 where it is exact, reshape of reshape, transposes into matmul's flags,
/// broadcasts into the elementwise ops that broadcast anyway.
Graph simplify(const Graph& graph);

}  // namespace andiron
