#include "andiron/ops/host/exchange.hpp"

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron::ops {

namespace {

const HostFunction& function_of(const Attributes& attributes) {
  return *attributes.get<HostFunctionPtr>("function");
}

int same_place(const Node& node, int output) {
  const auto i = static_cast<size_t>(output);
  return i < node.inputs.size() && node.inputs[i].type() == node.outputs[i] ? output : -1;
}

// Not in the catalog: they have no name by which files or other languages could call them.
Op exchange_op(const char* name, const char* summary, bool late) {
  return {
      .name = name,
      .summary = summary,
      .formula = "dst... = function(values...)",
      .inputs = {{.name = "values", .doc = "what the function takes", .variadic = true}},
      .outputs = {"dst..."},
      .attributes = {{"function", {}, "what is called", HostFunctionPtr()}},
      .infer = [](const InferContext& c) { return function_of(c.attributes).outputs; },
      .why_not_differentiable = "it is a part of the optimizer's step",
      .reference = [](const ReferenceContext& c) { function_of(c.attributes).call(c.src, c.dst); },
      .batch = [](const Node&, std::span<const BatchKind>) { return BatchKind::blocked; },
      .flops = [](const Node&) { return 0.0; },
      .traits = {.stateful = true, .serial = true, .late = late, .inplace_of = same_place},
  };
}

const Op kExchangeStart = exchange_op(
    "exchange_start", "Starts what the workers of a training exchange in a step.", false);
const Op kExchangeWait = exchange_op(
    "exchange_wait", "Waits for what the workers of a training exchange in a step.", true);

std::vector<Value> node_of(const Op& op, const std::vector<Value>& values, HostFunction function) {
  if (!function.call) fail("[{}] '{}' is empty", op.name, function.name);
  return make_node(op, values,
                   {{"function", std::make_shared<const HostFunction>(std::move(function))}});
}

}  // namespace

std::vector<Value> exchange_start(const std::vector<Value>& values, HostFunction function) {
  return node_of(kExchangeStart, values, std::move(function));
}

std::vector<Value> exchange_wait(const std::vector<Value>& values, HostFunction function) {
  return node_of(kExchangeWait, values, std::move(function));
}

}  // namespace andiron::ops
