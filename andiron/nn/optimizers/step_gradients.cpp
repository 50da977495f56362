#include <algorithm>
#include <unordered_map>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/exchange.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/nn/optimizers/step_builder.hpp"
#include "andiron/nn/optimizers/training_step.hpp"
#include "andiron/ops/ops.hpp"

// From the forward graph to a gradient for each variable.
namespace andiron::nn {

namespace {

const VariablePtr& variable_of(const Node& node) { return node.attr<VariablePtr>("variable"); }

Value flat(const Value& ids) { return ops::reshape(ids, {ids.shape().count()}); }

Value flat_ids(const std::vector<Value>& ids) {
  if (ids.size() == 1) return flat(ids[0]);
  std::vector<Value> parts;
  for (const Value& v : ids) parts.push_back(flat(ops::cast(v, DType::i64)));
  return ops::concat(parts, 0);
}

}  // namespace

StepBuilder::StepBuilder(const Graph& forward, size_t loss, OptimizerChoice choice,
                         std::shared_ptr<Exchange> exchange)
    : forward_(merge_reads(forward)),
      loss_(loss),
      choice_(std::move(choice)),
      exchange_(std::move(exchange)) {
  if (exchange_ != nullptr) builder_ = std::make_shared<ExchangeBuilder>(exchange_);
  check_loss(forward_, loss_);
  step_ = step_input(forward_, inputs_);
}

void StepBuilder::make_learning_rates() {
  learning_rates_.clear();
  for (const std::string& name : choice_.scalar_names)
    learning_rates_.push_back(input(name, DType::f32, {}));
}

// The trainable variables that the loss reads, in the order given, with their optimizers.
void StepBuilder::find_parameters(const std::vector<VariablePtr>& trainable) {
  std::unordered_map<const Variable*, Value> leaves;
  for (const Node* node : topological_order({forward_.outputs()[loss_]}))
    if (node->is("variable")) leaves[variable_of(*node).get()] = Value(node->shared_from_this(), 0);
  for (const VariablePtr& variable : trainable) {
    const auto it = leaves.find(variable.get());
    if (it == leaves.end()) continue;
    Parameter p;
    p.variable = variable;
    p.leaf = it->second;
    const size_t group = choice_.group_of(variable);
    p.optimizer = choice_.optimizers[group];
    p.learning_rate = learning_rates_[group];
    parameters_.push_back(std::move(p));
  }
}

// The ids of all look-ups in a leaf; empty when it is read in any other way.
std::vector<Value> StepBuilder::lookups_of(const Value& leaf) const {
  std::vector<Value> ids;
  for (const Node* node : forward_.nodes()) {
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      if (!(node->inputs[i] == leaf)) continue;
      const bool lookup = i == 0 && (node->is("embedding") || node->is("embedding_bag"));
      if (!lookup) return {};
      if (std::find(ids.begin(), ids.end(), node->inputs[1]) == ids.end())
        ids.push_back(node->inputs[1]);
    }
  }
  for (const Value& v : forward_.outputs())
    if (v == leaf) return {};
  // Which rows are read must not depend on what the tables hold.
  for (const Node* node : topological_order(ids))
    if (node->is("variable")) return {};
  return ids;
}

// Replaces the leaf of each table whose missed steps must be replayed by the table with the rows
// that this step reads brought up to date.
void StepBuilder::catch_tables_up() {
  Rewriter rewrite(nullptr);
  bool any = false;
  std::vector<Parameter*> tables;
  for (Parameter& p : parameters_) {
    if (!p.optimizer->replays() || p.leaf.rank() != 2) continue;
    const std::vector<Value> ids = lookups_of(p.leaf);
    if (ids.empty()) continue;
    const ops::Dedup rows = dedup(flat_ids(ids), p.leaf.shape()[0].size());
    p.state = ops::optimizer_catch_up(p.optimizer->op(), p.optimizer->settings(),
                                      p.optimizer->state_of(p.variable, p.leaf, true), &rows,
                                      history_of(*p.optimizer), step_);
    rewrite.map(p.leaf, p.state.parameter);
    p.leaf = p.state.parameter;
    any = true;
  }
  if (!any) return;
  // The replay reads the step, which the forward graph may not have as an input yet.
  std::vector<Value> inputs = inputs_;
  inputs.push_back(step_);
  forward_ = rewrite(Graph(inputs, forward_.outputs(), forward_.updates()));
}

// `factor`, if defined, multiplies the loss.
void StepBuilder::differentiate(const Value& factor) {
  std::vector<Value> leaves;
  for (const Parameter& p : parameters_) leaves.push_back(p.leaf);
  Value loss = forward_.outputs()[loss_];
  if (factor.defined()) loss = loss * ops::cast(factor, loss.dtype());
  const std::vector<Value> grads = grad(loss, leaves);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = parameters_[i];
    const bool caught_up = p.state.last_step.defined();
    // A table that is read in other ways too moves as a whole.
    p.sparse = ops::is_row_sparse(grads[i]) && !p.optimizer->moves_whole_tables() &&
               (caught_up || !p.optimizer->replays());
    if (!p.state.parameter.defined()) p.state = p.optimizer->state_of(p.variable, p.leaf, false);
    if (!p.sparse) {
      ANDIRON_ASSERT(!caught_up);
      p.gradient = ops::densify(grads[i]);
      continue;
    }
    const Node& rows = grads[i].node();
    p.rows = dedup(rows.inputs[0], p.leaf.shape()[0].size());
    p.values = rows.inputs[1];
    p.most_rows = p.rows.rows.shape()[0];
  }
}

const Value& StepBuilder::history_of(RuleOptimizer& optimizer) {
  Value& history = histories_[&optimizer];
  if (!history.defined()) history = read(optimizer.history());
  return history;
}

// One sort for all look-ups of the same ids in tables of the same height.
const ops::Dedup& StepBuilder::dedup(const Value& ids, int64_t n_rows) {
  Value source = ids;
  while (source.node().is("reshape")) source = source.node().inputs[0];
  for (const Sorted& s : sorted_)
    if (s.source == source && s.n_rows == n_rows) return s.rows;
  sorted_.push_back({source, n_rows, ops::dedup(ids, n_rows)});
  return sorted_.back().rows;
}

}  // namespace andiron::nn
