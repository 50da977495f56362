#include "andiron/nn/optimizers/training_step.hpp"

#include <unordered_map>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/step_builder.hpp"

namespace andiron::nn {

Graph StepBuilder::step(const std::vector<VariablePtr>& trainable) {
  make_learning_rates();
  find_parameters(trainable);
  Value share;
  if (exchange_ != nullptr) share = input("share", DType::f32, {});
  catch_tables_up();
  differentiate(share);
  if (exchange_ != nullptr) exchange_sums();
  std::vector<Graph::Update> updates = forward_.updates();
  if (exchange_ != nullptr) {
    average(updates, share);
    exchange(1);
  }
  for (const RuleOptimizer* optimizer : choice_.optimizers) clip(*optimizer);

  append_updates(updates);
  inputs_.insert(inputs_.end(), learning_rates_.begin(), learning_rates_.end());
  if (share.defined()) inputs_.push_back(share);
  inputs_.push_back(step_);
  return Graph(inputs_, forward_.outputs(), std::move(updates));
}

Graph merge_reads(const Graph& graph) {
  std::unordered_map<const Variable*, Value> leaves;
  Rewriter rewrite([&](const Node& node, const std::vector<Value>&) -> std::vector<Value> {
    if (!node.is("variable")) return {};
    Value& leaf = leaves[node.attr<VariablePtr>("variable").get()];
    if (!leaf.defined()) leaf = Value(node.shared_from_this(), 0);
    return {leaf};
  });
  return rewrite(graph);
}

Value step_input(const Graph& graph, std::vector<Value>& rest) {
  Value step;
  for (const Value& v : graph.inputs()) {
    const bool is_step =
        v.node().attr<std::string>("name") == "step" && v.rank() == 0 && v.dtype() == DType::i64;
    if (is_step) {
      step = v;
    } else {
      rest.push_back(v);
    }
  }
  return step.defined() ? step : input("step", DType::i64, {});
}

void check_loss(const Graph& forward, size_t loss_output) {
  if (loss_output >= forward.outputs().size())
    fail("[minimize] the graph has {} outputs and no output {}", forward.outputs().size(),
         loss_output);
  const Value& loss = forward.outputs()[loss_output];
  if (loss.rank() != 0 || !is_floating(loss.dtype()))
    fail("[minimize] the loss must be a floating point scalar; got {}", str(loss.type()));
}

}  // namespace andiron::nn
