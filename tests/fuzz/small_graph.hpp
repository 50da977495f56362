#pragma once

#include <map>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/reference.hpp"

/// Computes the graph by the reference kernels where all its values are small. Errors are thrown
/// on.
inline void compute_if_small(const andiron::Graph& symbolic) {
  using namespace andiron;
  constexpr int64_t kMost = 4096;
  const Graph graph = bind_sizes(symbolic, {{"batch", 2}});
  for (const Node* node : graph.nodes())
    for (const TensorType& t : node->outputs)
      if (!t.shape.known() || t.shape.count().size() > kMost) return;
  std::vector<Tensor> inputs;
  for (const Value& v : graph.inputs()) {
    if (!v.shape().known() || v.shape().count().size() > kMost) return;
    inputs.push_back(Tensor::zeros(v.dtype(), v.shape().sizes()));
  }
  ops::evaluate_reference(graph, inputs);
}
