#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Where weights are constants and channels last: a depthwise convolution with the 1x1 convolutions
/// before and behind it (inverted residuals, separable convolutions) becomes one depthwise_block,
/// if nothing else reads what is in between.
Graph fuse_blocks(const Graph& graph);

}  // namespace andiron
