#include "andiron/ops/reference.hpp"

#include <algorithm>
#include <unordered_map>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron::ops {

bool is_idle(const Node& node) {
  if (node.outputs.empty() || node.op->traits.stateful) return false;
  auto empty = [](const TensorType& type) { return type.shape.count() == Dim(0); };
  return std::all_of(node.outputs.begin(), node.outputs.end(), empty) &&
         std::all_of(node.inputs.begin(), node.inputs.end(), [&](const Value& v) {
           return !v.defined() || is_floating(v.dtype()) || empty(v.type());
         });
}

std::vector<Tensor> run_reference(const Node& node, std::span<const Tensor> inputs,
                                  int64_t first_row) {
  if (node.op->reference == nullptr) fail("[{}] has no reference kernel", node.op->name);
  std::vector<Tensor> src, dst;
  for (const Tensor& t : inputs) src.push_back(t.defined() ? t.contiguous() : t);
  for (const TensorType& type : node.outputs) dst.emplace_back(type.dtype, type.shape.sizes());
  if (!is_idle(node)) node.op->reference(ReferenceContext{src, dst, node.attributes, first_row});
  return dst;
}

namespace {

// The sizes that the graph's symbols have, given its inputs.
std::map<std::string, int64_t> symbols_of(const Graph& graph, const std::vector<Tensor>& inputs) {
  if (inputs.size() != graph.inputs().size())
    fail("[evaluate] the graph takes {} inputs; got {}", graph.inputs().size(), inputs.size());
  std::map<std::string, int64_t> sizes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorType& type = graph.inputs()[i].type();
    const TensorType given{inputs[i].dtype(), Shape(inputs[i].sizes())};
    bool fits = type.dtype == given.dtype && type.shape.rank() == inputs[i].rank();
    for (size_t axis = 0; fits && axis < type.shape.size(); ++axis) {
      const Dim& dim = type.shape[axis];
      const int64_t size = inputs[i].sizes()[axis];
      // Only plain symbols are learnt; expressions of them must agree.
      if (!dim.known() && dim.multiple_of(dim.str()) == 1) sizes.emplace(dim.str(), size);
      fits = dim.bind(sizes) == Dim(size);
    }
    if (!fits) fail("[evaluate] input {} is {}; got {}", i, str(type), str(given));
  }
  return sizes;
}

}  // namespace

std::vector<Tensor> evaluate_reference(const Graph& graph, const std::vector<Tensor>& inputs) {
  const auto sizes = symbols_of(graph, inputs);
  const Graph bound = sizes.empty() ? graph : bind_sizes(graph, sizes);
  std::unordered_map<const Node*, std::vector<Tensor>> results;
  for (size_t i = 0; i < inputs.size(); ++i)
    results[&bound.inputs()[i].node()] = {inputs[i].contiguous()};
  for (const Node* node : bound.nodes()) {
    if (results.count(node) > 0) continue;
    if (node->op == &kConstantOp) {
      results[node] = {node->attr<Tensor>("tensor").contiguous()};
    } else if (node->op == &kVariableOp) {
      results[node] = {node->attr<VariablePtr>("variable")->value().contiguous()};
    } else {
      std::vector<Tensor> src;
      for (const Value& v : node->inputs)
        src.push_back(v.defined() ? results.at(&v.node())[static_cast<size_t>(v.index())]
                                  : Tensor());
      results[node] = run_reference(*node, src);
    }
  }
  std::vector<Tensor> outputs;
  for (const Value& v : bound.outputs())
    outputs.push_back(results.at(&v.node())[static_cast<size_t>(v.index())]);
  return outputs;
}

std::vector<Tensor> evaluate_reference(const std::vector<Value>& values) {
  return evaluate_reference(Graph({}, values), {});
}

}  // namespace andiron::ops
