#include "andiron/passes/widen_products.hpp"

#include "andiron/ops/ops.hpp"

namespace andiron {

namespace {

bool is_product(const Node& node) {
  for (const char* op : {"matmul", "conv", "conv_grad_src", "conv_grad_weights"})
    if (node.is(op)) return true;
  return false;
}

}  // namespace

Graph widen_products(const Graph& graph) {
  Rewriter rewrite([](const Node& node, const std::vector<Value>& inputs) -> std::vector<Value> {
    if (node.outputs[0].dtype != DType::bf16 || !is_product(node)) return {};
    std::vector<Value> wide;
    for (const Value& x : inputs) wide.push_back(x.defined() ? ops::cast(x, DType::f32) : x);
    std::vector<Value> results = with_inputs(node, wide);
    for (Value& result : results) result = ops::cast(result, DType::bf16);
    return results;
  });
  return rewrite(graph);
}

}  // namespace andiron
