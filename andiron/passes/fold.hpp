#pragma once

#include <map>
#include <string>

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Constant folding: nodes whose inputs are all constants are computed by their reference kernels,
/// as long as the result stays small (at most `max_elements`). What gives NaN or infinity stays, so
/// that the numerics check can name it.
Graph fold(const Graph& graph, int64_t max_elements = 65536);

/// Replaces every `count_of` by the constant that it is for these sizes. The tiling pass needs the
/// divisor of a mean to be that of the whole batch before it binds tiles to their own size.
Graph fold_counts(const Graph& graph, const std::map<std::string, int64_t>& sizes);

}  // namespace andiron
