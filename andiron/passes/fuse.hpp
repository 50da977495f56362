#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

enum class FuseRole {
  none,
  elementwise,  ///< one output; computed from the inputs' elements at the same place
  reduction     ///< one output; nothing in the same fused node may read it
};

/// What the kernel of `fused` can run; the layer that owns the kernel says so.
struct FuseRules {
  FuseRole (*role)(const Node& node);
  /// Whether there is a kernel for this node of the op `fused`.
  bool (*accepts)(const Node& fused);
};

/// Gathers elementwise nodes of one shape, and reductions of what they compute, into nodes of the
/// op `fused`, which sweep their operands once. Greedy, in the order of the graph; clusters that
/// read the same large value are joined too. Nothing is computed twice; what others need of
/// a cluster becomes an output. Takes a concrete graph.
Graph fuse(const Graph& graph, const FuseRules& rules);

}  // namespace andiron
