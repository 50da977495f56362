#include <algorithm>

#include "andiron/nn/optimizers/exchange.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/nn/optimizers/step_builder.hpp"
#include "andiron/ops/ops.hpp"

// From gradients to new values of the variables.
namespace andiron::nn {

namespace {

// Gradients that are added up together: enough for a message to be worth it, few enough for several
// to be under way while the backward pass goes on.
constexpr int64_t kBucketElements = int64_t{1} << 19;

Value square_sum(const Value& x) { return ops::sum(ops::square(x)); }
// x with its norm, given squared, cut down to `limit`.
Value scaled(const Value& x, const Value& squared_norm, double limit) {
  const Value bound = constant(limit, x.dtype());
  return x * (bound / ops::maximum(ops::sqrt(squared_norm), bound));
}

}  // namespace

// Replaces the gradients, and `samples` if given, by their sums over all workers. `batches`: how
// many batches of a worker's are in its gradients.
void StepBuilder::exchange(int64_t batches, Value* samples) {
  ExchangeBuilder builder(exchange_);
  // Everything is divided by their number: a rounded one would be a bias of the whole step.
  if (samples != nullptr) *samples = builder.sum({*samples}, true)[0];
  std::vector<Value*> bucket;
  int64_t n = 0;
  const auto flush = [&] {
    std::vector<Value> values;
    for (const Value* value : bucket) values.push_back(*value);
    if (!values.empty()) values = builder.sum(values);
    for (size_t i = 0; i < bucket.size(); ++i) *bucket[i] = values[i];
    bucket.clear();
    n = 0;
  };
  // The last used are finished first.
  for (auto p = parameters_.rbegin(); p != parameters_.rend(); ++p) {
    if (p->sparse) continue;
    const int64_t size = p->gradient.shape().count().size();
    const bool other = !bucket.empty() && bucket[0]->dtype() != p->gradient.dtype();
    if (n + size > kBucketElements || other) flush();
    bucket.push_back(&p->gradient);
    n += size;
  }
  flush();
  // Tables that are looked up by the same ids have the same rows.
  std::vector<std::vector<Parameter*>> by_rows;
  for (Parameter& p : parameters_) {
    if (!p.sparse) continue;
    const auto same = std::find_if(by_rows.begin(), by_rows.end(), [&](const auto& group) {
      return group[0]->rows.rows == p.rows.rows;
    });
    if (same == by_rows.end())
      by_rows.push_back({&p});
    else
      same->push_back(&p);
  }
  for (const std::vector<Parameter*>& group : by_rows) exchange_rows(builder, group, batches);
}

// Replaces the rows of some tables by those of all workers.
void StepBuilder::exchange_rows(ExchangeBuilder& builder, const std::vector<Parameter*>& tables,
                                int64_t batches) {
  const ops::Dedup own = tables[0]->rows;
  const int64_t table_rows = tables[0]->leaf.shape()[0].size();
  const Dim looked_up = tables[0]->most_rows.bind({{"batch", batches * exchange_->capacity()}});
  const int64_t most = std::min(looked_up.size(), table_rows);
  std::vector<Value> sums;
  for (const Parameter* p : tables) sums.push_back(ops::sum_segments(own, p->values, most));
  const ExchangeBuilder::Rows all = builder.gather(own, sums, most);
  const ops::Dedup rows = ops::dedup(all.ids, table_rows);
  for (size_t i = 0; i < tables.size(); ++i) {
    Parameter& p = *tables[i];
    p.rows = rows;
    p.values = all.values[i];
    // This worker may not have read the others' rows.
    if (p.state.last_step.defined())
      p.state = ops::optimizer_catch_up(p.optimizer->op(), p.optimizer->settings(), p.state, &rows,
                                        history_of(*p.optimizer), step_);
  }
}

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
    states = ops::optimizer_update(optimizer.op(), optimizer.settings(), states, grads,
                                   group[0]->learning_rate, step_);
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
