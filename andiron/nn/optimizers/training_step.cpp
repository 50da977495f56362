#include "andiron/nn/optimizers/training_step.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/exchange.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

// A trained variable on its way through the step.
struct Parameter {
  VariablePtr variable;
  RuleOptimizer* optimizer = nullptr;
  Value learning_rate;
  ops::OptimizerState state;  // before the step; tables: the rows that are read are up to date
  Value leaf;                 // where the variable is read
  Value gradient;             // dense, or the sums of the rows that occur
  bool sparse = false;
  ops::Dedup rows;  // sparse only
  Value values;     // sparse only, before they are summed
};

// Gradients that are added up together: enough for a message to be worth it, few enough for several
// to be under way while the backward pass goes on.
constexpr int64_t kBucketElements = int64_t{1} << 19;

const VariablePtr& variable_of(const Node& node) { return node.attr<VariablePtr>("variable"); }

class TrainingStep {
 public:
  TrainingStep(const Graph& forward, size_t loss, std::shared_ptr<Exchange> exchange)
      : forward_(merge_reads(forward)), loss_(loss), exchange_(std::move(exchange)) {
    step_ = step_input(forward_, inputs_);
  }

  Graph build(const std::vector<RuleOptimizer*>& optimizers,
              const std::function<size_t(const VariablePtr&)>& group_of,
              const std::vector<std::string>& scalar_names,
              const std::vector<VariablePtr>& trainable) {
    std::vector<Value> learning_rates;
    for (const std::string& name : scalar_names)
      learning_rates.push_back(input(name, DType::f32, {}));

    find_parameters(trainable);
    for (Parameter& p : parameters_) {
      const size_t group = group_of(p.variable);
      p.optimizer = optimizers[group];
      p.learning_rate = learning_rates[group];
    }
    if (exchange_ != nullptr) share_ = input("share", DType::f32, {});
    catch_tables_up();
    differentiate();
    if (exchange_ != nullptr) exchange();
    for (RuleOptimizer* optimizer : optimizers) clip(*optimizer);

    std::vector<Graph::Update> updates = forward_.updates();
    for (RuleOptimizer* optimizer : optimizers) update_dense(*optimizer, updates);
    for (Parameter& p : parameters_)
      if (p.sparse) p.optimizer->append_updates(p.variable, update_rows(p), updates);
    record(optimizers, learning_rates, updates);

    inputs_.insert(inputs_.end(), learning_rates.begin(), learning_rates.end());
    if (share_.defined()) inputs_.push_back(share_);
    inputs_.push_back(step_);
    return Graph(inputs_, forward_.outputs(), std::move(updates));
  }

 private:
  // The trainable variables that the loss reads, in the order given.
  void find_parameters(const std::vector<VariablePtr>& trainable) {
    std::unordered_map<const Variable*, Value> leaves;
    for (const Node* node : topological_order({forward_.outputs()[loss_]}))
      if (node->is("variable"))
        leaves[variable_of(*node).get()] = Value(node->shared_from_this(), 0);
    for (const VariablePtr& variable : trainable) {
      const auto it = leaves.find(variable.get());
      if (it == leaves.end()) continue;
      Parameter p;
      p.variable = variable;
      p.leaf = it->second;
      parameters_.push_back(std::move(p));
    }
  }

  // The ids of all look-ups in a leaf; empty when it is read in any other way.
  std::vector<Value> lookups_of(const Value& leaf) const {
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
  void catch_tables_up() {
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

  void differentiate() {
    std::vector<Value> leaves;
    for (const Parameter& p : parameters_) leaves.push_back(p.leaf);
    Value loss = forward_.outputs()[loss_];
    if (share_.defined()) loss = loss * ops::cast(share_, loss.dtype());
    const std::vector<Value> grads = grad(loss, leaves);
    for (size_t i = 0; i < parameters_.size(); ++i) {
      Parameter& p = parameters_[i];
      const bool caught_up = p.state.last_step.defined();
      // A table that is read in other ways too moves as a whole.
      p.sparse = ops::is_row_sparse(grads[i]) && (caught_up || !p.optimizer->replays());
      if (!p.state.parameter.defined()) p.state = p.optimizer->state_of(p.variable, p.leaf, false);
      if (!p.sparse) {
        ANDIRON_ASSERT(!caught_up);
        p.gradient = ops::densify(grads[i]);
        continue;
      }
      const Node& rows = grads[i].node();
      p.rows = dedup(rows.inputs[0], p.leaf.shape()[0].size());
      p.values = rows.inputs[1];
    }
  }

  // Replaces the gradients by their sums over all workers.
  void exchange() {
    ExchangeBuilder builder(exchange_);
    std::vector<Parameter*> bucket;
    int64_t n = 0;
    const auto flush = [&] {
      std::vector<Value> values;
      for (const Parameter* p : bucket) values.push_back(p->gradient);
      if (!values.empty()) values = builder.sum(values);
      for (size_t i = 0; i < bucket.size(); ++i) bucket[i]->gradient = values[i];
      bucket.clear();
      n = 0;
    };
    // The last used are finished first.
    for (auto p = parameters_.rbegin(); p != parameters_.rend(); ++p) {
      if (p->sparse) continue;
      const int64_t size = p->gradient.shape().count().size();
      const bool other = !bucket.empty() && bucket[0]->gradient.dtype() != p->gradient.dtype();
      if (n + size > kBucketElements || other) flush();
      bucket.push_back(&*p);
      n += size;
    }
    flush();
    for (Parameter& p : parameters_) {
      if (!p.sparse) continue;
      const int64_t table_rows = p.leaf.shape()[0].size();
      const ExchangeBuilder::Rows all =
          builder.gather(p.rows, ops::sum_segments(p.rows, p.values), table_rows);
      p.rows = ops::dedup(all.ids, table_rows);
      p.values = all.values;
      // This worker may not have read the others' rows.
      if (p.state.last_step.defined())
        p.state = ops::optimizer_catch_up(p.optimizer->op(), p.optimizer->settings(), p.state,
                                          &p.rows, history_of(*p.optimizer), step_);
    }
  }

  void clip(const RuleOptimizer& optimizer) {
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

  static Value square_sum(const Value& x) { return ops::sum(ops::square(x)); }
  // x with its norm, given squared, cut down to `limit`.
  static Value scaled(const Value& x, const Value& squared_norm, double limit) {
    const Value bound = constant(limit, x.dtype());
    return x * (bound / ops::maximum(ops::sqrt(squared_norm), bound));
  }

  // One node for the dense parameters of an optimizer (one more for those in double precision).
  // They stand in the order in which the backward pass finishes their gradients: the last used
  // first.
  void update_dense(RuleOptimizer& optimizer, std::vector<Graph::Update>& updates) {
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

  ops::OptimizerState update_rows(const Parameter& p) const {
    const Attributes& settings = p.optimizer->settings();
    const bool summed = p.gradient.defined();
    return ops::optimizer_update_rows(p.optimizer->op(), settings, p.state, p.rows,
                                      summed ? p.gradient : p.values, p.learning_rate, step_,
                                      summed ? "unique" : "positions");
  }

  void record(const std::vector<RuleOptimizer*>& optimizers,
              const std::vector<Value>& learning_rates, std::vector<Graph::Update>& updates) {
    for (size_t i = 0; i < optimizers.size(); ++i) {
      const auto it = histories_.find(optimizers[i]);
      if (it == histories_.end()) continue;
      updates.push_back({optimizers[i]->history(),
                         ops::optimizer_record(optimizers[i]->op(), optimizers[i]->settings(),
                                               it->second, learning_rates[i], step_)});
    }
  }

  const Value& history_of(RuleOptimizer& optimizer) {
    Value& history = histories_[&optimizer];
    if (!history.defined()) history = read(optimizer.history());
    return history;
  }

  static Value flat(const Value& ids) { return ops::reshape(ids, {ids.shape().count()}); }

  static Value flat_ids(const std::vector<Value>& ids) {
    if (ids.size() == 1) return flat(ids[0]);
    std::vector<Value> parts;
    for (const Value& v : ids) parts.push_back(flat(ops::cast(v, DType::i64)));
    return ops::concat(parts, 0);
  }

  // One sort for all look-ups of the same ids in tables of the same height.
  const ops::Dedup& dedup(const Value& ids, int64_t n_rows) {
    Value source = ids;
    while (source.node().is("reshape")) source = source.node().inputs[0];
    for (const Sorted& s : sorted_)
      if (s.source == source && s.n_rows == n_rows) return s.rows;
    sorted_.push_back({source, n_rows, ops::dedup(ids, n_rows)});
    return sorted_.back().rows;
  }

  struct Sorted {
    Value source;
    int64_t n_rows;
    ops::Dedup rows;
  };

  Graph forward_;
  size_t loss_;
  std::shared_ptr<Exchange> exchange_;  // null: there is one worker
  std::vector<Value> inputs_;
  Value step_, share_;
  std::vector<Parameter> parameters_;
  std::vector<Sorted> sorted_;
  std::unordered_map<const RuleOptimizer*, Value> histories_;
};

}  // namespace

Graph merge_reads(const Graph& graph) {
  std::unordered_map<const Variable*, Value> leaves;
  Rewriter rewrite([&](const Node& node, const std::vector<Value>&) -> std::vector<Value> {
    if (!node.is("variable")) return {};
    Value& leaf = leaves[variable_of(node).get()];
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

Graph training_step(const std::vector<RuleOptimizer*>& optimizers,
                    const std::function<size_t(const VariablePtr&)>& group_of,
                    const std::vector<std::string>& scalar_names, const Graph& forward,
                    size_t loss_output, const std::vector<VariablePtr>& trainable,
                    const std::shared_ptr<Exchange>& exchange) {
  check_loss(forward, loss_output);
  return TrainingStep(forward, loss_output, exchange)
      .build(optimizers, group_of, scalar_names, trainable);
}

}  // namespace andiron::nn
