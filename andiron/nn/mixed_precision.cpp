#include "andiron/nn/mixed_precision.hpp"

#include "andiron/base/error.hpp"
#include "andiron/graph/graph.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

// x in bfloat16; of a product's result that was made float32, the result itself.
Value narrow(const Value& x) {
  if (x.dtype() != DType::f32) return x;
  if (x.node().is("cast") && x.node().inputs[0].dtype() == DType::bf16) return x.node().inputs[0];
  return ops::cast(x, DType::bf16);
}

std::vector<Value> narrow_product(const Node& node, const std::vector<Value>& inputs) {
  const bool product = node.is("matmul") || node.is("conv") || node.is("conv_grad_src");
  if (!product || node.outputs[0].dtype != DType::f32) return {};
  std::vector<Value> narrowed;
  for (const Value& x : inputs) narrowed.push_back(x.defined() ? narrow(x) : x);
  return {ops::cast(with_inputs(node, narrowed)[0], DType::f32)};
}

}  // namespace

void check_dtype_policy(const std::string& policy) {
  if (policy != "float32" && policy != "mixed_bfloat16")
    fail("[layer] a dtype policy is \"float32\" or \"mixed_bfloat16\"; got \"{}\"", policy);
}

std::vector<Value> narrow_products(const std::vector<Value>& inputs,
                                   const std::vector<Value>& outputs, const TraceMark& before,
                                   CallContext& context) {
  Rewriter rewrite(narrow_product);
  for (const Value& x : inputs) rewrite.map(x, x);
  for (size_t i = before.finished; i < context.finished.size(); ++i)
    rewrite.map(context.finished[i], context.finished[i]);
  std::vector<Value> narrowed;
  for (const Value& y : outputs) narrowed.push_back(rewrite(y));
  for (size_t i = before.losses; i < context.losses.size(); ++i)
    context.losses[i] = rewrite(context.losses[i]);
  for (size_t i = before.metrics; i < context.metrics.size(); ++i)
    context.metrics[i].second = rewrite(context.metrics[i].second);
  for (size_t i = before.updates; i < context.updates.size(); ++i)
    context.updates[i].second = rewrite(context.updates[i].second);
  return narrowed;
}

}  // namespace andiron::nn
