#include "andiron/nn/constrained_step.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

namespace {

Constrained::List trained_constraints(const Layer& model,
                                      const std::vector<VariablePtr>& trainable) {
  Constrained::List constraints = constraints_of(model);
  std::erase_if(constraints, [&](const auto& entry) {
    return std::find(trainable.begin(), trainable.end(), entry.first) == trainable.end();
  });
  return constraints;
}

// A constrained variable is an output of the graph that the optimizer gets: tables that are read as
// a whole are updated as a whole, while the steps of rows that wait to be replayed would miss the
// constraint.
Graph with_constrained(const Graph& forward, const Constrained::List& constraints) {
  if (constraints.empty()) return forward;
  std::vector<Value> outputs = forward.outputs();
  for (const auto& [variable, constraint] : constraints) outputs.push_back(read(variable));
  return Graph(forward.inputs(), std::move(outputs), forward.updates());
}

// Without the `n` outputs from `first` on.
Graph without_outputs(const Graph& graph, size_t first, size_t n) {
  std::vector<Value> outputs = graph.outputs();
  const auto begin = outputs.begin() + static_cast<std::ptrdiff_t>(first);
  outputs.erase(begin, begin + static_cast<std::ptrdiff_t>(n));
  return Graph(graph.inputs(), std::move(outputs), graph.updates());
}

// The updates, then the constraints. `values`: of the constrained variables before the step.
std::vector<Graph::Update> constrained(std::vector<Graph::Update> updates,
                                       const Constrained::List& constraints,
                                       std::span<const Value> values) {
  for (size_t i = 0; i < constraints.size(); ++i) {
    const auto& [variable, constraint] = constraints[i];
    const auto update = std::find_if(updates.begin(), updates.end(),
                                     [&, v = variable](auto& u) { return u.variable == v; });
    if (update != updates.end()) {
      update->value = constraint(update->value);
    } else {  // the loss does not depend on it
      updates.push_back({variable, constraint(values[i])});
    }
  }
  return updates;
}

}  // namespace

Graph minimize(const Graph& forward, const Layer& model, Optimizer& optimizer,
               const std::shared_ptr<Exchange>& exchange) {
  const std::vector<VariablePtr> trainable = model.trainable_variables();
  const Constrained::List constraints = trained_constraints(model, trainable);
  if (optimizer.search() != nullptr && !constraints.empty())
    fail("[{}] searches along lines that a constraint would leave; '{}' has one",
         optimizer.class_name(), constraints[0].first->name());
  const size_t n = forward.outputs().size();
  const Graph step =
      optimizer.minimize(with_constrained(forward, constraints), 0, trainable, exchange);
  const Graph whole(step.inputs(), step.outputs(),
                    constrained(step.updates(), constraints, std::span(step.outputs()).subspan(n)));
  return without_outputs(whole, n, constraints.size());
}

AccumulatedStep minimize_accumulated(const Graph& forward, const Layer& model, Optimizer& optimizer,
                                     const std::shared_ptr<Exchange>& exchange) {
  const std::vector<VariablePtr> trainable = model.trainable_variables();
  const Constrained::List constraints = trained_constraints(model, trainable);
  AccumulatedStep step = optimizer.minimize_accumulated(with_constrained(forward, constraints), 0,
                                                        trainable, exchange);
  step.add = without_outputs(step.add, forward.outputs().size(), constraints.size());
  std::vector<Value> values;
  for (const auto& [variable, constraint] : constraints) values.push_back(read(variable));
  step.update =
      Graph(step.update.inputs(), {}, constrained(step.update.updates(), constraints, values));
  return step;
}

}  // namespace andiron::nn
