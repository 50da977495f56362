#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/nn/optimizers/step_builder.hpp"

namespace andiron::nn {

namespace {

using nlohmann::json;

class Groups final : public Optimizer {
 public:
  explicit Groups(std::vector<OptimizerGroup> groups) : groups_(std::move(groups)) {
    if (groups_.empty()) fail("[OptimizerGroups] takes at least one group");
    for (const OptimizerGroup& group : groups_) {
      auto* rule = dynamic_cast<RuleOptimizer*>(group.optimizer.get());
      if (rule == nullptr)
        fail("[OptimizerGroups] a group's optimizer must be one that follows gradients; got {}",
             group.optimizer ? group.optimizer->class_name() : "none");
      for (const RuleOptimizer* other : rules_)
        if (other == rule || other->name() == rule->name())
          fail("[OptimizerGroups] each group needs an optimizer of its own name; '{}' comes twice",
               rule->name());
      if (!rules_.empty() &&
          rule->gradient_accumulation_steps() != rules_[0]->gradient_accumulation_steps())
        fail(
            "[OptimizerGroups] all groups need the same gradient_accumulation_steps; got {} and {}",
            rules_[0]->gradient_accumulation_steps(), rule->gradient_accumulation_steps());
      rules_.push_back(rule);
      try {
        patterns_.emplace_back(group.pattern);
      } catch (const std::regex_error& e) {
        fail("[OptimizerGroups] '{}' is not a regular expression: {}", group.pattern, e.what());
      }
    }
  }

  std::string class_name() const override { return "OptimizerGroups"; }
  std::string name() const override { return "optimizer_groups"; }
  json config() const override {
    json groups = json::array();
    for (const OptimizerGroup& group : groups_)
      groups.push_back(
          {{"pattern", group.pattern}, {"optimizer", optimizer_description(*group.optimizer)}});
    return {{"groups", groups}};
  }

  Graph minimize(const Graph& forward, size_t loss_output,
                 const std::vector<VariablePtr>& trainable,
                 const std::shared_ptr<Exchange>& exchange) override {
    return StepBuilder(forward, loss_output, choice(), exchange).step(trainable);
  }

  AccumulatedStep minimize_accumulated(const Graph& forward, size_t loss_output,
                                       const std::vector<VariablePtr>& trainable,
                                       const std::shared_ptr<Exchange>& exchange) override {
    return StepBuilder(forward, loss_output, choice(), exchange).accumulated_step(trainable);
  }

  int64_t gradient_accumulation_steps() const override {
    return rules_[0]->gradient_accumulation_steps();
  }

  void set_gradient_accumulation_steps(int64_t steps) override {
    for (RuleOptimizer* rule : rules_) rule->set_gradient_accumulation_steps(steps);
  }

  void clear_accumulators() override {
    for (RuleOptimizer* rule : rules_) rule->clear_accumulators();
  }

  Graph catch_up() const override {
    const Value step = input("step", DType::i64, {});
    std::vector<Graph::Update> updates;
    for (const RuleOptimizer* rule : rules_) rule->append_catch_up(step, updates);
    return Graph({step}, {}, std::move(updates));
  }

  std::vector<std::string> scalar_names() const override {
    std::vector<std::string> names;
    for (const RuleOptimizer* rule : rules_)
      names.push_back(rules_.size() == 1 ? "learning_rate" : "learning_rate_" + rule->name());
    return names;
  }

  std::vector<double> scalars_at(int64_t step) const override {
    std::vector<double> values;
    for (const RuleOptimizer* rule : rules_) values.push_back(rule->learning_rate_at(step));
    return values;
  }

  void set_learning_rate(LearningRate learning_rate) override {
    for (RuleOptimizer* rule : rules_) rule->set_learning_rate(learning_rate);
  }

  std::vector<VariablePtr> variables() const override {
    std::vector<VariablePtr> all;
    for (const RuleOptimizer* rule : rules_)
      for (const VariablePtr& v : rule->variables()) all.push_back(v);
    return all;
  }

  bool keeps_averages() const override {
    return std::any_of(rules_.begin(), rules_.end(), [](auto* r) { return r->keeps_averages(); });
  }

  std::vector<std::pair<VariablePtr, VariablePtr>> averages() const override {
    std::vector<std::pair<VariablePtr, VariablePtr>> all;
    for (const RuleOptimizer* rule : rules_)
      for (const auto& pair : rule->averages()) all.push_back(pair);
    return all;
  }

  void set_iterations(int64_t iterations) override {
    for (RuleOptimizer* rule : rules_) rule->set_iterations(iterations);
  }

 private:
  OptimizerChoice choice() {
    return {rules_, [this](const VariablePtr& v) { return group_of(*v); }, scalar_names()};
  }

  size_t group_of(const Variable& variable) const {
    for (size_t i = 0; i < patterns_.size(); ++i)
      if (std::regex_search(variable.name(), patterns_[i])) return i;
    return patterns_.size() - 1;
  }

  std::vector<OptimizerGroup> groups_;
  std::vector<RuleOptimizer*> rules_;
  std::vector<std::regex> patterns_;
};

}  // namespace

OptimizerPtr OptimizerGroups(std::vector<OptimizerGroup> groups) {
  return std::make_shared<Groups>(std::move(groups));
}

}  // namespace andiron::nn
