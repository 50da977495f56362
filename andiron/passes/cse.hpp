#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Common subexpression elimination: equal nodes (op, attributes, inputs) become one. Reads of the
/// same variable merge too; stateful ops never do. Operands of commutative ops may be swapped.
Graph cse(const Graph& graph);

}  // namespace andiron
