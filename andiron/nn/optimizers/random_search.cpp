#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/optimizers/training_step.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

using nlohmann::json;

// One graph holds both networks: the parameters as they are and as they are proposed.
class Search final : public Optimizer {
 public:
  explicit Search(const RandomSearchOptions& options) : options_(options) {}

  std::string class_name() const override { return "RandomSearch"; }
  std::string name() const override { return options_.name; }
  json config() const override {
    return {{"name", options_.name},
            {"learning_rate", options_.learning_rate.config()},
            {"seed", options_.seed}};
  }

  Graph minimize(const Graph& forward, size_t loss_output,
                 const std::vector<VariablePtr>& trainable,
                 const std::shared_ptr<Exchange>& exchange) override {
    if (exchange != nullptr)
      fail("[RandomSearch] has no gradients that several workers could add up; train it on one");
    check_loss(forward, loss_output);
    const Graph now = merge_reads(forward);
    std::vector<Value> inputs;
    const Value step = step_input(now, inputs);
    const Value length = input("learning_rate", DType::f32, {});
    const Value loss = now.outputs()[loss_output];

    Rewriter propose(nullptr);
    std::vector<std::pair<VariablePtr, std::pair<Value, Value>>> moves;
    for (const Node* node : topological_order({loss})) {
      if (!node->is("variable")) continue;
      const auto& variable = node->attr<VariablePtr>("variable");
      if (std::find(trainable.begin(), trainable.end(), variable) == trainable.end()) continue;
      const Value leaf(node->shared_from_this(), 0);
      const Value draw = ops::cast(
          ops::random_normal(leaf.shape(), step,
                             options_.seed * 1000003 + static_cast<int64_t>(moves.size())),
          leaf.dtype());
      const Value moved = leaf + draw * ops::cast(length, leaf.dtype());
      propose.map(leaf, moved);
      moves.push_back({variable, {leaf, moved}});
    }
    // NaN is not less than anything: such a proposal is dropped.
    const Value better = ops::less(propose(loss), loss);
    std::vector<Graph::Update> updates = now.updates();
    for (const auto& [variable, move] : moves)
      updates.push_back({variable, ops::where(better, move.second, move.first)});
    inputs.push_back(length);
    inputs.push_back(step);
    return Graph(inputs, now.outputs(), std::move(updates));
  }

  AccumulatedStep minimize_accumulated(const Graph&, size_t, const std::vector<VariablePtr>&,
                                       const std::shared_ptr<Exchange>&) override {
    no_gradients();
  }

  void set_gradient_accumulation_steps(int64_t steps) override {
    if (steps != 1) no_gradients();
  }

  Graph catch_up() const override { return Graph({input("step", DType::i64, {})}, {}); }
  std::vector<std::string> scalar_names() const override { return {"learning_rate"}; }
  std::vector<double> scalars_at(int64_t step) const override {
    return {options_.learning_rate.at(step - 1)};
  }
  void set_learning_rate(LearningRate learning_rate) override {
    options_.learning_rate = std::move(learning_rate);
  }
  std::vector<VariablePtr> variables() const override { return {}; }
  void set_iterations(int64_t) override {}

 private:
  [[noreturn]] static void no_gradients() {
    fail("[RandomSearch] has no gradients that several batches could add up");
  }

  RandomSearchOptions options_;
};

}  // namespace

OptimizerPtr RandomSearch(const RandomSearchOptions& options) {
  return std::make_shared<Search>(options);
}

}  // namespace andiron::nn
