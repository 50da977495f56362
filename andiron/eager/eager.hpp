#pragma once

#include <span>
#include <vector>

#include "andiron/graph/graph.hpp"

namespace andiron::eager {

/// Runs one op on tensors (strided ones are copied first): a cached one-node plan.
std::vector<Tensor> run(const Op& op, const std::vector<Tensor>& inputs,
                        const Attributes& attributes = {});
/// Computes values that depend on constants and variables only.
std::vector<Tensor> evaluate(const std::vector<Value>& values);
inline Tensor evaluate(const Value& value) { return evaluate(std::vector<Value>{value})[0]; }
/// Calls a graph on tensors once, without keeping the plan. Updates are carried out.
std::vector<Tensor> call(const Graph& graph, const std::vector<Tensor>& inputs);

}  // namespace andiron::eager
