#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// matmul + bias + activation, where nothing else reads the steps between, become fused_matmul.
/// Takes a concrete graph.
Graph fuse_matmul(const Graph& graph);

}  // namespace andiron
