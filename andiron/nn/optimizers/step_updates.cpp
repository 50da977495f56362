#include <algorithm>

#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/nn/optimizers/step_builder.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"

// From gradients to new values of the variables.
namespace andiron::nn {

namespace {

Value square_sum(const Value& x) { return ops::sum(ops::square(x)); }
// x with its norm, given squared, cut down to `limit`.
Value scaled(const Value& x, const Value& squared_norm, double limit) {
  const Value bound = constant(limit, x.dtype());
  return x * (bound / ops::maximum(ops::sqrt(squared_norm), bound));
}

}  // namespace

void StepBuilder::clip(const RuleOptimizer& optimizer) {
  const OptimizerOptions& o = optimizer.options();
  if (!o.clipnorm && !o.clipvalue && !o.global_clipnorm) return;
  Value total;
  for (Parameter& p : parameters_) {
    if (p.optimizer != &optimizer) continue;
    if (p.sparse) p.gradient = ops::sum_segments(p.rows, p.values);
    if (o.clipvalue) p.gradient = ops::clip(p.gradient, -*o.clipvalue, *o.clipvalue);
    if (o.clipnorm) p.gradient = scaled(p.gradient, square_sum(p.gradient), *o.clipnorm);
    if (o.global_clipnorm) {
      const Value part = ops::cast(square_sum(p.gradient), DType::f32);
      total = total.defined() ? total + part : part;
    }
  }
  if (!o.global_clipnorm || !total.defined()) return;
  for (Parameter& p : parameters_)
    if (p.optimizer == &optimizer)
      p.gradient = scaled(p.gradient, ops::cast(total, p.gradient.dtype()), *o.global_clipnorm);
}

void StepBuilder::append_updates(std::vector<Graph::Update>& updates) {
  for (RuleOptimizer* optimizer : choice_.optimizers) update_dense(*optimizer, updates);
  for (Parameter& p : parameters_)
    if (p.sparse) p.optimizer->append_updates(p.variable, update_rows(p), updates);
  record(updates);
  average_values(updates);
}

// Moving averages of the variables, as Keras has them: with the new values, before constraints.
void StepBuilder::average_values(std::vector<Graph::Update>& updates) {
  for (const Parameter& p : parameters_) {
    const OptimizerOptions& o = p.optimizer->options();
    if (!o.use_ema) continue;
    const auto moved = std::find_if(updates.begin(), updates.end(),
                                    [&](const auto& u) { return u.variable == p.variable; });
    const VariablePtr& variable = p.optimizer->average_of(p.variable);
    const DType dtype = moved->value.dtype();
    const Value first = ops::equal(step_, constant(1.0, DType::i64));
    const Value momentum = ops::where(first, constant(0.0, dtype), constant(o.ema_momentum, dtype));
    const Value average = read(variable) * momentum + moved->value * (1.0 - momentum);
    if (o.ema_overwrite_frequency) {
      const Value every = constant(static_cast<double>(*o.ema_overwrite_frequency), DType::i64);
      const Value rest = make_value(ops::find("remainder"), {step_, every});
      moved->value = ops::where(ops::equal(rest, constant(0.0, DType::i64)), average, moved->value);
    }
    updates.push_back({variable, average});
  }
}

// One node for the dense parameters of an optimizer (one more for those in double precision). They
// stand in the order in which the backward pass finishes their gradients: the last used first.
void StepBuilder::update_dense(RuleOptimizer& optimizer, std::vector<Graph::Update>& updates) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    std::vector<const Parameter*> group;
    for (const Parameter& p : parameters_)
      if (p.optimizer == &optimizer && !p.sparse && p.leaf.dtype() == dtype) group.push_back(&p);
    if (group.empty()) continue;
    std::reverse(group.begin(), group.end());
    std::vector<ops::OptimizerState> states;
    std::vector<Value> grads;
    std::vector<VariablePtr> variables;
    for (const Parameter* p : group) {
      states.push_back(p->state);
      grads.push_back(p->gradient);
      variables.push_back(p->variable);
    }
    states = optimizer.move(variables, states, grads, group[0]->learning_rate, step_);
    for (size_t i = 0; i < group.size(); ++i)
      optimizer.append_updates(variables[i], states[i], updates);
    optimizer.lay_out(variables);
  }
}

ops::OptimizerState StepBuilder::update_rows(const Parameter& p) const {
  const Attributes& settings = p.optimizer->settings();
  const bool summed = p.gradient.defined();
  return ops::optimizer_update_rows(p.optimizer->op(), settings, p.state, p.rows,
                                    summed ? p.gradient : p.values, p.learning_rate, step_,
                                    summed ? "unique" : "positions");
}

void StepBuilder::record(std::vector<Graph::Update>& updates) {
  for (size_t i = 0; i < choice_.optimizers.size(); ++i) {
    RuleOptimizer& optimizer = *choice_.optimizers[i];
    const auto it = histories_.find(&optimizer);
    if (it == histories_.end()) continue;
    updates.push_back(
        {optimizer.history(), ops::optimizer_record(optimizer.op(), optimizer.settings(),
                                                    it->second, learning_rates_[i], step_)});
  }
}

}  // namespace andiron::nn
