#include "andiron/ops/host/host_function.hpp"

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

const HostFunction& function_of(const Attributes& attributes) {
  return *attributes.get<HostFunctionPtr>("function");
}

Value zeros_like(const TensorType& type) {
  return broadcast_to(constant(0.0, type.dtype), type.shape);
}

// The gradient is a host function too: of the inputs and of the gradients that arrive.
std::vector<Value> gradient(const GradContext& c) {
  const HostFunction& f = function_of(c.node.attributes);
  if (!f.gradient)
    fail(
        "[host_function] '{}' has no gradient, but one is needed for what it computes: give it "
        "one, or put stop_gradient around its result",
        f.name);
  HostFunction g{.name = f.name + "_grad", .outputs = {}, .call = f.gradient, .rows = f.rows};
  std::vector<Value> arguments = c.node.inputs;
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    if (!is_floating(c.out(i).dtype())) continue;
    arguments.push_back(c.grad(i).defined() ? c.grad(i) : zeros_like(c.out(i).type()));
  }
  for (const Value& x : c.node.inputs)
    if (is_floating(x.dtype())) g.outputs.push_back(x.type());
  const std::vector<Value> found = host_function(arguments, std::move(g));
  std::vector<Value> grads;
  size_t next = 0;
  for (const Value& x : c.node.inputs)
    grads.push_back(is_floating(x.dtype()) ? found[next++] : Value());
  return grads;
}

}  // namespace

// Not in the catalog: it has no name by which files or other languages could call it.
static const Op kHostFunction = {
    .name = "host_function",
    .summary = "A function of the program around the engine.",
    .formula = "dst... = function(inputs...)",
    .inputs = {{.name = "inputs", .doc = "what the function takes", .variadic = true}},
    .outputs = {"dst..."},
    .attributes = {{"function", {}, "what is called", HostFunctionPtr()}},
    .infer = [](const InferContext& c) { return function_of(c.attributes).outputs; },
    .gradient = gradient,
    .reference = [](const ReferenceContext& c) { function_of(c.attributes).call(c.src, c.dst); },
    .batch =
        [](const Node& node, std::span<const BatchKind>) {
          return function_of(node.attributes).rows ? BatchKind::rows : BatchKind::blocked;
        },
    .traits = {.stateful = true, .serial = true},
};

std::vector<Value> host_function(const std::vector<Value>& inputs, HostFunction function) {
  if (!function.call) fail("[host_function] '{}' is empty", function.name);
  if (function.outputs.empty()) fail("[host_function] '{}' has no outputs", function.name);
  return make_node(kHostFunction, inputs,
                   {{"function", std::make_shared<const HostFunction>(std::move(function))}});
}

}  // namespace andiron::ops
