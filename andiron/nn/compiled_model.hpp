#pragma once

#include <memory>
#include <string>
#include <vector>

#include "andiron/nn/loss.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/own_steps.hpp"
#include "andiron/nn/plan_cache.hpp"

namespace andiron::nn {

class Accumulator;
class Exchange;
class Optimizer;

struct CompileOptions {
  std::shared_ptr<Optimizer> optimizer;   ///< may be null when the model is only tested
  std::vector<LossPtr> losses;            ///< one for each output (null: none), or one for all
  std::vector<double> loss_weights = {};  ///< one for each output; empty: 1
  /// Training steps return the predictions too, because metrics need them.
  bool predictions_in_training = false;
  exec::PlanOptions plan = {};
  /// Null unless several workers train one model. `worker` tells their random draws apart.
  std::shared_ptr<Exchange> exchange = nullptr;
  int worker = 0;
  /// Null unless the program takes the steps. Then there are no losses, and no optimizer here.
  std::shared_ptr<const OwnSteps> own_steps = nullptr;
};

/// One step's data: x in the order of the model's inputs, y in the order of its outputs. Sample
/// weights: none, one for all outputs, or one for each; [n].
struct Batch {
  std::vector<Tensor> x, y, sample_weight = {};
};

struct StepResult {
  double loss = 0.0;                  ///< weighted sum of the outputs' losses and all penalties
  std::vector<double> output_losses;  ///< one for each output, unweighted
  std::vector<std::pair<std::string, double>> reported;  ///< what layers report
  std::vector<Tensor> predictions;  ///< valid until the next step; empty when not asked for
};

/// A model with its losses and optimizer, as plans: forward, backward and update are one graph,
/// symbolic in "batch". Freezing layers needs another one.
/// Thread safety: one training or test step at a time.
class CompiledModel {
 public:
  CompiledModel(ModelPtr model, CompileOptions options);
  ~CompiledModel();

  const ModelPtr& model() const { return model_; }
  const CompileOptions& options() const { return options_; }

  /// Inputs: x..., y..., sample weights (when `weighted`), then the optimizer's scalars
  /// ("learning_rate", ...; with several workers "draw" before and "share" behind them) and "step".
  /// With gradient_accumulation_steps it is AccumulatedStep::add: "draw", "samples" and "step", and
  /// the tables' rows behind the outputs.
  /// Outputs: loss, the outputs' losses, what layers report,
  /// predictions (when asked for). Outputs without a loss have no y, weight or loss here.
  const Graph& train_graph(bool weighted = false);
  /// The same without optimizer and step; predictions always.
  const Graph& test_graph(bool weighted = false);

  /// One optimizer step; counts `step` on. With gradient_accumulation_steps the batches of a step
  /// are added up, and the last one moves the variables. Throws Error when data do not fit the
  /// model. `share`: the part of the step's samples, over all workers, that the batch has; 0 for a
  /// batch that only stands in for none.
  const StepResult& train_on_batch(const Batch& batch, double share = 1.0);
  /// Whether batches wait for others of their step.
  bool in_update() const;
  bool accumulates() const { return accumulator_ != nullptr; }
  /// Ends a step whose batches were fewer; does nothing when none wait. All workers call it
  /// together.
  void finish_update();
  /// Forgets the batches that wait.
  void drop_update();
  /// Loss and predictions in inference mode.
  const StepResult& test_on_batch(const Batch& batch);

  /// The number of training steps so far: schedules and random layers depend on it.
  int64_t step() const { return step_; }
  void set_step(int64_t step);
  /// Brings embedding tables up to date with all steps (Optimizer::catch_up). Call it before
  /// anything but this class reads the variables: saving, predicting.
  void catch_up();
  /// The variables become their moving averages, where optimizers keep any (use_ema).
  void take_averages();
  /// Everything that training changes: the model's variables, then the optimizer's.
  std::vector<VariablePtr> state();

  PlanCache& plans() { return plans_; }

 private:
  struct Form;  // a graph with the memory of its inputs and outputs
  Form& form(bool training, bool weighted);
  const StepResult& run(Form& form, const Batch& batch);
  const StepResult& add_batch(const Batch& batch, double share);
  const StepResult& take(OwnSteps::Figures figures);
  void no_result(const Form& form);

  ModelPtr model_;
  CompileOptions options_;
  PlanCache plans_;
  std::unique_ptr<Form> forms_[2][2];
  std::unique_ptr<Accumulator> accumulator_;  // null: each batch is a step
  StepResult result_;
  int64_t step_ = 0;
  bool caught_up_ = true;
};

}  // namespace andiron::nn
