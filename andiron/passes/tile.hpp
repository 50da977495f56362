#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron {

/// When a node runs: once before the tiles, once per tile, once after all tiles.
enum class Stage { before, body, after };

/// What the tiling pass found out about a graph that is symbolic in `batch`.
struct Tiling {
  std::unordered_map<const Node*, Stage> stage;
  /// Of nodes in the body: rows or partial_sum.
  std::unordered_map<const Node*, BatchKind> kind;
  bool has_body = false;
  /// Nodes that compute much (Op::flops): those in the body, and those that would be in it if none
  /// before them needed the whole batch.
  int64_t heavy = 0, kept_out = 0;
};

/// Classifies the nodes (see docs/architecture.md, "Batch tiling"). Every graph can be classified:
/// what needs the whole batch runs before or after the tiles.
Tiling classify(const Graph& graph, const std::string& batch);

/// A stage as a graph of its own. Its placeholders stand for `imports`, its outputs are `exports`;
/// both are values of the original graph.
struct StageGraph {
  Graph graph;
  std::vector<Value> imports, exports;
};

/// Cuts `members` out of the graph. Variables, placeholders and what other stages compute are
/// imports; what others, outputs and updates need are exports.
StageGraph cut(const Graph& graph, const std::vector<const Node*>& members);

}  // namespace andiron
