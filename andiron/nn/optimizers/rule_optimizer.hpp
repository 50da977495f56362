#pragma once

#include <nlohmann/json.hpp>

#include "andiron/graph/attributes.hpp"
#include "andiron/nn/optimizers/composed_rule.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/ops/optimizer/optimizer_ops.hpp"

namespace andiron::nn {

struct OptimizerChoice;

/// What Keras's optimizer classes add to the rules of ops/optimizer/.
struct OptimizerKind {
  const char* class_name;
  const char* name;  ///< what an instance is called unless the user names it
  const char* op;    ///< "adam": adam_update, adam_update_rows, ...; null for composed ones
  double learning_rate;
  double weight_decay;
  std::vector<std::string> (*slot_names)(const Attributes& settings);
  /// The attribute's default where the first slot does not start at zero, else negative.
  double initial_accumulator_value = -1.0;
  const ComposedRule& (*composed)() = nullptr;
};

/// An optimizer that is a rule over (parameter, gradient, slots).
class RuleOptimizer final : public Optimizer {
 public:
  /// How many steps a row of a table may lag behind.
  static constexpr int64_t kHistory = 1024;

  RuleOptimizer(const OptimizerKind& kind, const OptimizerOptions& options,
                LearningRate learning_rate, const Attributes& settings,
                double initial_accumulator_value);

  std::string class_name() const override { return kind_->class_name; }
  std::string name() const override { return name_; }
  nlohmann::json config() const override;
  Graph minimize(const Graph& forward, size_t loss_output,
                 const std::vector<VariablePtr>& trainable,
                 const std::shared_ptr<Exchange>& exchange = nullptr) override;
  AccumulatedStep minimize_accumulated(const Graph& forward, size_t loss_output,
                                       const std::vector<VariablePtr>& trainable,
                                       const std::shared_ptr<Exchange>& exchange) override;
  int64_t gradient_accumulation_steps() const override {
    return options_.gradient_accumulation_steps.value_or(1);
  }
  void set_gradient_accumulation_steps(int64_t steps) override;
  void clear_accumulators() override;
  Graph catch_up() const override;
  std::vector<std::string> scalar_names() const override { return {"learning_rate"}; }
  std::vector<double> scalars_at(int64_t step) const override;
  void set_learning_rate(LearningRate learning_rate) override {
    learning_rate_ = std::move(learning_rate);
  }
  std::vector<VariablePtr> variables() const override;
  void set_iterations(int64_t iterations) override { iterations_ = iterations; }
  bool keeps_averages() const override { return options_.use_ema; }
  std::vector<std::pair<VariablePtr, VariablePtr>> averages() const override { return averages_; }

  // For the builder of training steps.
  const char* op() const { return kind_->op; }
  const Attributes& settings() const { return settings_; }
  const OptimizerOptions& options() const { return options_; }
  /// Whether a step needs all rows of a table.
  bool moves_whole_tables() const { return kind_->composed != nullptr || options_.use_ema; }
  /// Whether missed steps of table rows must be replayed.
  bool replays() const;
  /// The state of a variable as it is before the step, slots made when there are none yet.
  ops::OptimizerState state_of(const VariablePtr& variable, const Value& parameter, bool exact);
  const VariablePtr& history();
  /// The sum of a variable's dense gradients since the last update, made when there is none yet.
  const VariablePtr& accumulator_of(const VariablePtr& variable);
  /// The average of a variable's values over the steps, made when there is none yet.
  const VariablePtr& average_of(const VariablePtr& variable);
  /// The states of whole parameters after one step.
  std::vector<ops::OptimizerState> move(const std::vector<VariablePtr>& variables,
                                        const std::vector<ops::OptimizerState>& states,
                                        const std::vector<Value>& grads, const Value& learning_rate,
                                        const Value& step) const;
  /// Appends the updates of a variable and of its slots.
  void append_updates(const VariablePtr& variable, const ops::OptimizerState& state,
                      std::vector<Graph::Update>& updates) const;
  /// Puts variables that one node updates into one block of memory, and their slots of each kind
  /// into another, in the order given: a part of a group is a slice of its block.
  void lay_out(const std::vector<VariablePtr>& group) const;
  /// Appends what brings all rows up to date before `step`.
  void append_catch_up(const Value& step, std::vector<Graph::Update>& updates) const;

 private:
  struct Slots {
    VariablePtr variable;
    std::vector<VariablePtr> slots;
    VariablePtr last_step;
  };
  std::vector<ComposedRule::Slot> new_slots(const Variable& variable) const;
  const Slots& slots_of(const VariablePtr& variable) const;
  OptimizerChoice choice();

  const OptimizerKind* kind_;
  OptimizerOptions options_;
  std::string name_;
  LearningRate learning_rate_;
  Attributes settings_;
  double initial_accumulator_value_;
  std::vector<Slots> slots_;
  VariablePtr history_;
  std::vector<std::pair<VariablePtr, VariablePtr>> accumulators_;  // by variable
  std::vector<std::pair<VariablePtr, VariablePtr>> averages_;      // by variable
  int64_t iterations_ = 0;
};

/// All optimizers that are rules, for look-ups by name.
std::span<const OptimizerKind> optimizer_kinds();
/// Null: there is none of this name.
const OptimizerKind* find_kind(std::string_view class_name);
OptimizerPtr rule_optimizer_from_config(const OptimizerKind& kind, const nlohmann::json& config);

}  // namespace andiron::nn
