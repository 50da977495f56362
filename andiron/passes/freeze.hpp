#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// The graph with copies of its variables' present values as constants: what depends on them alone
/// is computed once, when a plan is made. Updates are dropped. Throws Error naming a variable that
/// has a NaN or an infinity.
Graph freeze(const Graph& graph);

}  // namespace andiron
