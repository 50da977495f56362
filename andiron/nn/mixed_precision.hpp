#pragma once

#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

/// Mixed bfloat16: what the dtype policy of a layer does to what it composed.
namespace andiron::nn {

/// Throws Error unless the policy is "float32" or "mixed_bfloat16".
void check_dtype_policy(const std::string& policy);

/// How far a trace had come before a layer was called.
struct TraceMark {
  explicit TraceMark(const CallContext& context)
      : finished(context.finished.size()),
        losses(context.losses.size()),
        metrics(context.metrics.size()),
        updates(context.updates.size()) {}
  size_t finished, losses, metrics, updates;
};

/// The outputs of a layer with the products of its own ops in bfloat16: operands are rounded, sums
/// are float32, results are rounded and float32 again. What it added to the context since `before`
/// is changed with them. The layers inside have policies of their own.
std::vector<Value> narrow_products(const std::vector<Value>& inputs,
                                   const std::vector<Value>& outputs, const TraceMark& before,
                                   CallContext& context);

}  // namespace andiron::nn
