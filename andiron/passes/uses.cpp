#include "andiron/passes/uses.hpp"

namespace andiron {

Uses uses_of(const Graph& graph) {
  Uses uses;
  for (const Node* node : graph.nodes())
    for (const Value& v : node->inputs)
      if (v.defined()) ++uses[v];
  for (const Value& v : graph.outputs()) ++uses[v];
  for (const Graph::Update& u : graph.updates()) ++uses[u.value];
  return uses;
}

}  // namespace andiron
