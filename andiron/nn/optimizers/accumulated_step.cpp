#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/nn/optimizers/step_builder.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

AccumulatedStep StepBuilder::accumulated_step(const std::vector<VariablePtr>& trainable) {
  AccumulatedStep step;
  step.add = adding(trainable);
  for (const Parameter& p : parameters_) step.n_tables += p.sparse ? 1 : 0;
  step.update = updating(choice_.optimizers[0]->gradient_accumulation_steps());
  return step;
}

Graph StepBuilder::adding(const std::vector<VariablePtr>& trainable) {
  make_learning_rates();
  find_parameters(trainable);
  const Value samples = input("samples", DType::f32, {});
  // A batch reads rows that are up to date, and leaves them so for the update.
  catch_tables_up();
  differentiate(samples);
  if (exchange_ != nullptr) {
    for (const Node* node : forward_.nodes())
      if (node->is("sum_over_workers"))
        fail(
            "[fit] BatchNormalization(synchronized=True) needs the workers in each batch, and "
            "gradient_accumulation_steps brings them together once in {}: leave one of them out",
            choice_.optimizers[0]->gradient_accumulation_steps());
  }

  std::vector<Value> outputs = forward_.outputs();
  std::vector<Graph::Update> updates = forward_.updates();
  for (const Parameter& p : parameters_) {
    if (!p.sparse) {
      const VariablePtr& sum = p.optimizer->accumulator_of(p.variable);
      updates.push_back({sum, read(sum) + p.gradient});
      continue;
    }
    outputs.insert(outputs.end(), {p.rows.rows, ops::sum_segments(p.rows, p.values), p.rows.count});
    if (p.state.last_step.defined()) p.optimizer->append_updates(p.variable, p.state, updates);
  }
  std::vector<Value> inputs = inputs_;
  inputs.insert(inputs.end(), {samples, step_});
  return Graph(std::move(inputs), std::move(outputs), std::move(updates));
}

Graph StepBuilder::updating(int64_t batches) {
  inputs_.clear();
  histories_.clear();
  make_learning_rates();
  step_ = input("step", DType::i64, {});
  Value samples = input("samples", DType::f32, {});
  const Value own_samples = samples;
  std::vector<VariablePtr> sums;
  size_t n_tables = 0;
  for (Parameter& p : parameters_) {
    p.learning_rate = learning_rates_[choice_.group_of(p.variable)];
    p.leaf = read(p.variable);
    const bool exact = p.state.last_step.defined();
    p.state = p.optimizer->state_of(p.variable, p.leaf, exact);
    if (exact) history_of(*p.optimizer);  // the step is recorded
    if (!p.sparse) {
      p.gradient = read(p.optimizer->accumulator_of(p.variable));
      continue;
    }
    const Dim n = Dim::symbol(fmt::format("rows_{}", n_tables));
    const Value rows = input(fmt::format("ids_{}", n_tables), DType::i32, {n});
    p.values =
        input(fmt::format("values_{}", n_tables), p.values.dtype(), {n, p.values.shape()[1]});
    p.rows = ops::dedup(rows, p.leaf.shape()[0].size());
    inputs_.insert(inputs_.end(), {rows, p.values});
    ++n_tables;
  }
  std::vector<Graph::Update> updates;
  if (exchange_ != nullptr) {
    // Everything is divided by their number: a rounded one would be a bias of the whole step.
    add_up({&samples}, true);
    exchange(batches);
    // Each batch has moved this worker's own.
    for (const Graph::Update& u : forward_.updates())
      if (is_floating(u.value.dtype())) updates.push_back({u.variable, read(u.variable)});
    average(updates, own_samples / samples);
  }
  for (Parameter& p : parameters_) {
    Value& gradient = p.sparse ? p.values : p.gradient;
    gradient = gradient / ops::cast(samples, gradient.dtype());
  }
  for (const RuleOptimizer* optimizer : choice_.optimizers) clip(*optimizer);
  append_updates(updates);
  inputs_.insert(inputs_.end(), learning_rates_.begin(), learning_rates_.end());
  inputs_.insert(inputs_.end(), {own_samples, step_});
  return Graph(inputs_, {}, std::move(updates));
}

}  // namespace andiron::nn
