#include "andiron/passes/fold.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/graph/schema.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron {

namespace {

bool is_leaf(const Node& node) {
  return node.is("input") || node.is("constant") || node.is("variable");
}

bool small_and_known(const Node& node, int64_t max_elements) {
  return std::all_of(node.outputs.begin(), node.outputs.end(), [&](const TensorType& t) {
    return t.shape.known() && count_of(t.shape.sizes()) <= max_elements;
  });
}

bool finite(const Tensor& tensor) {
  if (!is_floating(tensor.dtype())) return true;
  for (int64_t i = 0; i < tensor.count(); ++i)
    if (!std::isfinite(tensor.item(i))) return false;
  return true;
}

}  // namespace

Graph fold(const Graph& graph, int64_t max_elements) {
  Rewriter rewrite([&](const Node& node, const std::vector<Value>& inputs) -> std::vector<Value> {
    if (is_leaf(node) || node.op->traits.stateful || node.op->reference == nullptr) return {};
    if (inputs.empty() || !small_and_known(node, max_elements)) return {};
    // A scalar spread over a large shape costs memory as a constant and nothing when fused.
    if (node.is("broadcast_to") && count_of(node.outputs[0].shape.sizes()) > 1) return {};
    std::vector<Tensor> src;
    for (const Value& v : inputs) {
      if (!v.defined() || !v.node().is("constant")) return {};
      src.push_back(v.node().attr<Tensor>("tensor"));
    }
    std::vector<Value> values;
    for (Tensor& t : ops::run_reference(node, src)) {
      if (!finite(t)) return {};  // the op that made it must be there to be named
      values.push_back(constant(std::move(t)));
    }
    return values;
  });
  return rewrite(graph);
}

Graph fold_counts(const Graph& graph, const std::map<std::string, int64_t>& sizes) {
  Rewriter rewrite([&](const Node& node, const std::vector<Value>&) -> std::vector<Value> {
    if (!node.is("count_of")) return {};
    const Shape shape = node.inputs[0].shape().bind(sizes);
    int64_t n = 1;
    for (int64_t axis : normalize_axes("count_of", node.attr<std::vector<int64_t>>("axes"),
                                       shape.rank())) {
      const Dim& d = shape[static_cast<size_t>(axis)];
      if (!d.known()) return {};
      n *= d.size();
    }
    return {constant(static_cast<double>(n), node.outputs[0].dtype)};
  });
  return rewrite(graph);
}

}  // namespace andiron
