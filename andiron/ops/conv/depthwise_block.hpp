#pragma once

#include <string>

#include "andiron/graph/schema.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

/// The convolutions that a depthwise_block stands for, on the inputs that its node has.
struct DepthwiseBlockParts {
  Value expand;  ///< fused_conv of size 1; undefined without one
  Value depthwise, project;
};
/// REQUIRES a node of depthwise_block.
DepthwiseBlockParts depthwise_block_parts(const Node& node);

/// project(depthwise(expand(x))) + residual as one op; `expand` may be null, `residual` undefined.
/// REQUIRES nodes of conv or fused_conv with channels last, of which each reads the one before;
/// `project` and `expand` of size 1 and stride 1, weights and biases constants, no other residuals.
Value depthwise_block(const Node* expand, const Node& depthwise, const Node& project,
                      const Value& residual);

}  // namespace andiron::ops
