#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/ops/optimizer/optimizer_ops.hpp"

namespace andiron::nn {

class Exchange;
class ExchangeBuilder;
class RuleOptimizer;

/// Which optimizer trains which variable.
struct OptimizerChoice {
  std::vector<RuleOptimizer*> optimizers;
  std::function<size_t(const VariablePtr&)> group_of;
  std::vector<std::string> scalar_names;  ///< the learning rate of each
};

/// Builds one training step, or the two graphs of one that is spread over several batches.
class StepBuilder {
 public:
  StepBuilder(const Graph& forward, size_t loss, OptimizerChoice choice,
              std::shared_ptr<Exchange> exchange);

  Graph step(const std::vector<VariablePtr>& trainable);
  AccumulatedStep accumulated_step(const std::vector<VariablePtr>& trainable);

 private:
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
    Dim most_rows;    // sparse only: of one batch
  };

  // Gradients: step_gradients.cpp.
  void make_learning_rates();
  void find_parameters(const std::vector<VariablePtr>& trainable);
  std::vector<Value> lookups_of(const Value& leaf) const;
  void catch_tables_up();
  void differentiate(const Value& factor);

  // What workers exchange: step_workers.cpp.
  void exchange_sums();
  void average(std::vector<Graph::Update>& statistics, const Value& share);
  void add_up(const std::vector<Value*>& parts, bool exact);
  void exchange(int64_t batches);
  void exchange_rows(const std::vector<Parameter*>& tables, int64_t batches);

  // What becomes of them: step_updates.cpp.
  void clip(const RuleOptimizer& optimizer);
  void append_updates(std::vector<Graph::Update>& updates);
  void update_dense(RuleOptimizer& optimizer, std::vector<Graph::Update>& updates);
  ops::OptimizerState update_rows(const Parameter& p) const;
  void record(std::vector<Graph::Update>& updates);
  void average_values(std::vector<Graph::Update>& updates);

  // Over several batches: accumulated_step.cpp.
  Graph adding(const std::vector<VariablePtr>& trainable);
  Graph updating(int64_t batches);

  const Value& history_of(RuleOptimizer& optimizer);
  const ops::Dedup& dedup(const Value& ids, int64_t n_rows);

  struct Sorted {
    Value source;
    int64_t n_rows;
    ops::Dedup rows;
  };

  Graph forward_;
  size_t loss_;
  OptimizerChoice choice_;
  std::shared_ptr<Exchange> exchange_;        // null: there is one worker
  std::shared_ptr<ExchangeBuilder> builder_;  // of its steps
  std::vector<Value> inputs_;
  std::vector<Value> learning_rates_;
  Value step_;
  std::vector<Parameter> parameters_;
  std::vector<Sorted> sorted_;
  std::unordered_map<const RuleOptimizer*, Value> histories_;
};

}  // namespace andiron::nn
