#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"

namespace andiron::nn {

class Exchange;
class RuleOptimizer;

/// Builds Optimizer::minimize for one or several optimizers: `group_of` says which one trains a
/// variable; `scalar_names` has the learning rate of each. With an exchange, the gradients of all
/// workers are added up, each times its "share".
Graph training_step(const std::vector<RuleOptimizer*>& optimizers,
                    const std::function<size_t(const VariablePtr&)>& group_of,
                    const std::vector<std::string>& scalar_names, const Graph& forward,
                    size_t loss_output, const std::vector<VariablePtr>& trainable,
                    const std::shared_ptr<Exchange>& exchange);

/// The graph with one leaf for each variable, however often it was read.
Graph merge_reads(const Graph& graph);
/// The graph's int64 scalar input named "step", or a new one; `rest` gets the other inputs.
Value step_input(const Graph& graph, std::vector<Value>& rest);
/// Throws Error unless output `loss_output` is a floating point scalar.
void check_loss(const Graph& forward, size_t loss_output);

}  // namespace andiron::nn
