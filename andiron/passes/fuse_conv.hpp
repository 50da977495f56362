#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Where a convolution's weights are constants (a frozen graph): factors and shifts by channel that
/// follow it, a batch normalization's, go into weights and bias; then a residual sum and an
/// activation become part of it, which its kernel applies as it writes the result. Each only where
/// nothing else reads what is in between.
Graph fuse_conv(const Graph& graph);

}  // namespace andiron
