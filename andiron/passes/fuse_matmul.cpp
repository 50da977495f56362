#include "andiron/passes/fuse_matmul.hpp"

#include <algorithm>

#include "andiron/graph/schema.hpp"
#include "andiron/ops/matmul/fused_matmul.hpp"
#include "andiron/passes/uses.hpp"

namespace andiron {

namespace {

// Activations that the kernel library applies as it writes the product.
bool is_cheap_activation(const Node& node) {
  return node.inputs.size() == 1 && node.attributes.size() == 0 &&
         (node.is("relu") || node.is("sigmoid") || node.is("tanh"));
}

bool is_matrix_product(const Node& node) {
  return (node.is("matmul") || node.is("fused_matmul")) && node.inputs[0].rank() == 2 &&
         node.inputs[1].rank() == 2 && node.outputs[0].dtype == DType::f32;
}

}  // namespace

Graph fuse_matmul(const Graph& graph) {
  const Uses uses = uses_of(graph);

  Rewriter rewrite([&](const Node& node, const std::vector<Value>& in) -> std::vector<Value> {
    NameScope scope(node.name);
    // The product must be read by this node alone: look at the original input.
    auto sole = [&](size_t i) { return uses.at(node.inputs[i]) == 1; };
    if (node.is("add") && node.outputs[0].shape.rank() == 2) {
      for (size_t i = 0; i < 2; ++i) {
        const Value &product = in[i], &bias = in[1 - i];
        if (!sole(i) || !product.node().is("matmul") || !is_matrix_product(product.node()))
          continue;
        if (bias.rank() != 1 || bias.shape()[0] != product.shape()[1] ||
            bias.dtype() != product.dtype())
          continue;
        const Node& m = product.node();
        return {ops::fused_matmul(m.inputs[0], m.inputs[1], bias, m.attr<bool>("transpose_a"),
                                  m.attr<bool>("transpose_b"), "linear")};
      }
    }
    if (is_cheap_activation(node) && sole(0) && is_matrix_product(in[0].node())) {
      const Node& m = in[0].node();
      if (m.is("fused_matmul") && m.attr<std::string>("activation") != "linear") return {};
      return {ops::fused_matmul(m.inputs[0], m.inputs[1],
                                m.inputs.size() > 2 ? m.inputs[2] : Value(),
                                m.attr<bool>("transpose_a"), m.attr<bool>("transpose_b"),
                                node.op->name)};
    }
    return {};
  });
  return rewrite(graph);
}

}  // namespace andiron
