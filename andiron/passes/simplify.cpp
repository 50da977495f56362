#include "andiron/passes/simplify.hpp"

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron {

namespace {

bool is_constant(const Value& v, double value) {
  return v.defined() && v.node().is("constant") && v.shape().empty() &&
         v.node().attr<Tensor>("tensor").item() == value;
}

// The scalar behind broadcast_to(constant), else the value itself.
Value unbroadcast(const Value& v) {
  return v.node().is("broadcast_to") ? v.node().inputs[0] : v;
}

// x * 1, x / 1: exact for every x.
std::vector<Value> drop_neutral(const Node& node, const std::vector<Value>& in) {
  const bool multiply = node.is("multiply");
  if (!multiply && !node.is("divide")) return {};
  const Shape& shape = node.outputs[0].shape;
  if (is_constant(unbroadcast(in[1]), 1.0) && in[0].shape() == shape) return {in[0]};
  if (multiply && is_constant(unbroadcast(in[0]), 1.0) && in[1].shape() == shape) return {in[1]};
  return {};
}

// add(broadcast_to(x, s), y) = add(x, y) when y alone has the full shape already.
std::vector<Value> absorb_broadcast(const Node& node, const std::vector<Value>& in) {
  if (!node.op->traits.elementwise || in.size() < 2) return {};
  std::vector<Value> out = in;
  bool changed = false;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!out[i].node().is("broadcast_to")) continue;
    const Value narrow = out[i].node().inputs[0];
    if (narrow.rank() > node.outputs[0].shape.rank()) continue;
    bool other_is_full = false;
    for (size_t j = 0; j < out.size(); ++j)
      other_is_full |= j != i && out[j].shape() == node.outputs[0].shape &&
                       !out[j].node().is("broadcast_to");
    if (!other_is_full) continue;
    out[i] = narrow;
    changed = true;
  }
  if (!changed) return {};
  try {
    return with_inputs(node, out);
  } catch (const Error&) {  // some elementwise ops want equal shapes
    return {};
  }
}

bool swaps_last_two(const Node& node) {
  if (!node.is("transpose")) return false;
  const auto& permutation = node.attr<std::vector<int64_t>>("permutation");
  const int64_t rank = node.inputs[0].rank();
  if (rank < 2) return false;
  if (permutation.empty()) return rank == 2;
  for (int64_t i = 0; i < rank - 2; ++i)
    if (permutation[static_cast<size_t>(i)] != i) return false;
  return permutation[static_cast<size_t>(rank - 1)] == rank - 2;
}

std::vector<Value> transposes_into_matmul(const Node& node, const std::vector<Value>& in) {
  if (!node.is("matmul")) return {};
  bool ta = node.attr<bool>("transpose_a"), tb = node.attr<bool>("transpose_b");
  Value a = in[0], b = in[1];
  if (swaps_last_two(a.node())) a = a.node().inputs[0], ta = !ta;
  if (swaps_last_two(b.node())) b = b.node().inputs[0], tb = !tb;
  if (a == in[0] && b == in[1]) return {};
  return {ops::matmul(a, b, ta, tb)};
}

// [..., m, k] x [k, n]: one matrix product over all leading axes.
std::vector<Value> flatten_matmul(const Node& node, const std::vector<Value>& in) {
  if (!node.is("matmul") || in[0].rank() < 3 || in[1].rank() != 2) return {};
  if (node.attr<bool>("transpose_a")) return {};
  const Shape& shape = in[0].shape();
  Dim rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) rows = rows * shape[i];
  const Value flat = ops::matmul(ops::reshape(in[0], {rows, shape.back()}), in[1], false,
                                 node.attr<bool>("transpose_b"));
  return {ops::reshape(flat, node.outputs[0].shape)};
}

std::vector<Value> merge_reshapes(const Node& node, const std::vector<Value>& in) {
  if (!node.is("reshape")) return {};
  if (in[0].shape() == node.outputs[0].shape) return {in[0]};
  if (!in[0].node().is("reshape")) return {};
  return {ops::reshape(in[0].node().inputs[0], node.outputs[0].shape)};
}

}  // namespace

Graph simplify(const Graph& graph) {
  using Rule = std::vector<Value> (*)(const Node&, const std::vector<Value>&);
  static constexpr Rule rules[] = {drop_neutral, absorb_broadcast, transposes_into_matmul,
                                   flatten_matmul, merge_reshapes};
  Rewriter rewrite([&](const Node& node, const std::vector<Value>& inputs) -> std::vector<Value> {
    NameScope scope(node.name);
    for (Rule rule : rules) {
      std::vector<Value> values = rule(node, inputs);
      if (!values.empty() && values[0].type() == node.outputs[0]) return values;
    }
    return {};
  });
  return rewrite(graph);
}

}  // namespace andiron
