#include "andiron/passes/byte_values.hpp"

#include <algorithm>

#include "andiron/graph/schema.hpp"

namespace andiron {

namespace {

bool is_constant(const Value& v) { return v.node().is("constant"); }

bool is_float_layer(const Node& node, const std::vector<std::string>& layers) {
  return std::any_of(layers.begin(), layers.end(), [&](const std::string& layer) {
    return node.name == layer || node.name.starts_with(layer + "/");
  });
}

std::vector<Value> outputs_of(const Node& node) {
  std::vector<Value> values;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    values.emplace_back(node.shared_from_this(), static_cast<int>(i));
  return values;
}

// The inputs that are images, not parameters.
std::vector<Value> data_inputs(const Node& node) {
  if (!is_weighted(node)) return node.inputs;
  std::vector<Value> values{node.inputs[0]};
  if (node.is("fused_conv") && node.inputs.size() > 3 && node.inputs[3].defined())
    values.push_back(node.inputs[3]);
  return values;
}

}  // namespace

bool is_weighted(const Node& node) {
  const bool conv = node.is("conv") || node.is("fused_conv");
  const bool product = node.is("matmul") || node.is("fused_matmul");
  if ((!conv && !product) || node.outputs[0].dtype != DType::f32) return false;
  if (!is_constant(node.inputs[1])) return false;
  if (node.inputs.size() > 2 && node.inputs[2].defined() && !is_constant(node.inputs[2]))
    return false;
  if (conv) return !node.attr<bool>("channels_last") && !is_constant(node.inputs[0]);
  return node.inputs[0].rank() == 2 && node.inputs[1].rank() == 2 &&
         !node.attr<bool>("transpose_a") && !is_constant(node.inputs[0]);
}

bool moves_bytes(const Node& node) {
  static constexpr const char* kOps[] = {"max_pool", "concat",    "reshape", "slice",
                                         "split",    "transpose", "gather",  "stop_gradient"};
  if (!std::any_of(std::begin(kOps), std::end(kOps), [&](const char* op) { return node.is(op); }))
    return false;
  return node.outputs[0].dtype == DType::f32;
}

bool is_spatial_sum(const Node& node) {
  if (!node.is("sum") || node.outputs[0].dtype != DType::f32) return false;
  const int64_t rank = node.inputs[0].rank();
  if (rank < 3 || rank > 5) return false;
  std::vector<int64_t> axes = normalize_axes("sum", node.attr<std::vector<int64_t>>("axes"), rank);
  std::sort(axes.begin(), axes.end());
  if (std::ssize(axes) != rank - 2) return false;
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != static_cast<int64_t>(i) + 2) return false;
  const Shape& shape = node.inputs[0].shape();
  return std::all_of(shape.begin() + 1, shape.end(), [](const Dim& d) { return d.known(); });
}

ByteValues::ByteValues(const Graph& graph, const std::vector<std::string>& float_layers) {
  const std::vector<const Node*> nodes = graph.nodes();
  // What a node can give as bytes without more rounding than its own.
  std::unordered_set<Value, ValueHash> possible;
  std::unordered_set<const Node*> able;
  for (const Node* node : nodes) {
    if (is_float_layer(*node, float_layers)) continue;
    bool can = is_weighted(*node);
    const bool follows = moves_bytes(*node) || is_spatial_sum(*node) || node->is("lrn");
    if (follows) {
      can = true;
      // Of gather, the first input alone is an image.
      const size_t n = node->is("gather") ? 1 : node->inputs.size();
      for (size_t i = 0; i < n; ++i) can &= possible.count(node->inputs[i]) > 0;
    }
    if (!can) continue;
    able.insert(node);
    // Activations other than clips come after the product, in float32.
    const bool curved = node->is("fused_matmul") &&
                        node->attr<std::string>("activation") != "linear" &&
                        node->attr<std::string>("activation") != "relu";
    if (!is_spatial_sum(*node) && !curved)
      for (const Value& v : outputs_of(*node)) possible.insert(v);
  }
  // From the end: who reads bytes.
  for (size_t n = nodes.size(); n-- > 0;) {
    const Node& node = *nodes[n];
    if (able.count(&node) == 0) continue;
    const std::vector<Value> outputs = outputs_of(node);
    const bool wanted = std::any_of(outputs.begin(), outputs.end(),
                                    [&](const Value& v) { return bytes_.count(v) > 0; });
    if (!is_weighted(node) && !is_spatial_sum(node) && !wanted) continue;
    nodes_.insert(&node);
    for (const Value& v : data_inputs(node))
      if (v.dtype() == DType::f32) bytes_.insert(v);
    if (wanted && moves_bytes(node))
      for (const Value& v : outputs) bytes_.insert(v);
  }
  for (const Node* node : nodes) {
    for (const Value& v : outputs_of(*node))
      if (bytes_.count(v) > 0) order_.push_back(v);
    if (!computes(*node) || !moves_bytes(*node)) continue;
    for (const Value& v : outputs_of(*node)) join(node->inputs[0], v);
    if (node->is("concat"))
      for (const Value& v : node->inputs) join(node->inputs[0], v);
  }
}

Value ByteValues::leader(const Value& v) const {
  Value at = v;
  for (auto found = parent_.find(at); found != parent_.end(); found = parent_.find(at))
    at = found->second;
  return at;
}

void ByteValues::join(const Value& a, const Value& b) {
  const Value x = leader(a), y = leader(b);
  if (!(x == y)) parent_[y] = x;
}

}  // namespace andiron
