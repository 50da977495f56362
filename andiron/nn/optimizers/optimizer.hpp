#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/nn/optimizers/schedule.hpp"

namespace andiron::nn {

/// What all optimizers take besides their own arguments, under Keras's names.
struct OptimizerOptions {
  std::string name = {};  ///< empty: Keras's ("adam"); slots are named "<name>/<variable>/<slot>"
  std::optional<double> weight_decay = {};  ///< p -= weight_decay * learning_rate * p in each step
  /// At most one of the three.
  std::optional<double> clipnorm = {};         ///< each gradient's norm
  std::optional<double> clipvalue = {};        ///< each element
  std::optional<double> global_clipnorm = {};  ///< the norm of all gradients together
  /// Variables move once for so many batches, by the mean over their samples; empty: by each.
  std::optional<int64_t> gradient_accumulation_steps = {};
  /// Moving averages of the variables, as in Keras: average = ema_momentum average + (1 -
  /// ema_momentum) variable after each step, the first value as it is. Tables move as a whole then.
  bool use_ema = false;
  double ema_momentum = 0.99;
  /// Every so many steps the variables become their averages; empty: only when training ends.
  std::optional<int64_t> ema_overwrite_frequency = {};
  /// Embedding tables: false, and every row moves in every step as the formula says, though rows
  /// are only computed when they are needed (the same bits as sweeping the table); true, and rows
  /// that a batch does not use stay where they are, slots included, in that step (PyTorch's
  /// SparseAdam). The two are the same where a step with gradient zero changes nothing: SGD without
  /// momentum, Adagrad. L2 penalties added by layers make a table's gradient dense.
  bool lazy = false;
};

class Exchange;

/// Moves the variables of a model itself, and evaluates a batch as often as it likes for one step.
class BatchSearch {
 public:
  struct Evaluated {
    double loss;
    std::span<const float> gradient;  ///< of all variables, one after another; valid until the next
  };
  virtual ~BatchSearch() = default;
  /// One step; `evaluate` runs the graph of `minimize` where the variables are.
  virtual void step(const std::function<Evaluated()>& evaluate, double learning_rate) = 0;
};

/// A training step that is spread over several batches. Sums of gradients wait in variables of the
/// optimizer, rows of tables with whoever runs the graphs: they are outputs of `add` and inputs of
/// `update`.
struct AccumulatedStep {
  /// Adds a batch's gradients, times "samples", to those before it. Inputs: forward's without
  /// "step", then "samples" (float32 scalar), then "step". Outputs: forward's, then for each table
  /// rows [n] int32, values [n, d] and count [1] int32: the first `count` rows hold gradients.
  Graph add;
  /// Moves the variables by the sums divided by "samples", those of all workers with an exchange.
  /// Inputs: for each table rows [n] int32 (negative: none), values [n, d], of any n ("rows_0",
  /// "rows_1", ...); then the optimizer's scalars, "samples", "step".
  Graph update;
  size_t n_tables = 0;
};

/// How a training step changes variables. Owns the slots (momentum, ...), which are variables
/// themselves and belong into checkpoints.
/// Thread safety: none; graphs that it made are independent of it.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  virtual std::string class_name() const = 0;
  virtual std::string name() const = 0;
  /// Constructor arguments under Keras's names.
  virtual nlohmann::json config() const = 0;

  /// The training step: `forward` with the gradients of its scalar output `loss_output` and the
  /// updates of `trainable`. Inputs: forward's without "step", then `scalar_names`, then "step", an
  /// int64 scalar that counts from 1. When forward has an int64 scalar input named "step" it is the
  /// same one. Variables that the loss does not depend on stay as they are.
  /// With an exchange, every worker's step moves the variables by the gradients of all: the sum of
  /// each worker's times "share", a float32 scalar that stands behind `scalar_names`, the part of
  /// the step's samples that the worker has.
  virtual Graph minimize(const Graph& forward, size_t loss_output,
                         const std::vector<VariablePtr>& trainable,
                         const std::shared_ptr<Exchange>& exchange = nullptr) = 0;
  /// The same, spread over gradient_accumulation_steps() batches.
  virtual AccumulatedStep minimize_accumulated(const Graph& forward, size_t loss_output,
                                               const std::vector<VariablePtr>& trainable,
                                               const std::shared_ptr<Exchange>& exchange) = 0;
  virtual int64_t gradient_accumulation_steps() const { return 1; }
  /// For models that are compiled after it. Throws Error unless positive.
  virtual void set_gradient_accumulation_steps(int64_t steps) = 0;
  /// Null where the graph of `minimize` is the whole step. Else that graph moves no variables, but
  /// its last output [n] is the gradient, and the step is the search's.
  virtual BatchSearch* search() { return nullptr; }
  /// Whether it keeps moving averages of the variables (use_ema).
  virtual bool keeps_averages() const { return false; }
  /// Variables and their averages, once there are any.
  virtual std::vector<std::pair<VariablePtr, VariablePtr>> averages() const { return {}; }
  /// Exchanges the variables with their averages, and back.
  void swap_averages();
  /// The variables become their averages, also where they are exchanged.
  void take_averages();
  bool averages_swapped() const { return averages_swapped_; }
  /// What a checkpoint says of it.
  void mark_averages_swapped(bool swapped) { averages_swapped_ = swapped; }
  /// Forgets the sums of dense gradients.
  virtual void clear_accumulators() {}
  /// Brings all embedding rows up to date with the steps before its int64 input "step"; without
  /// updates when there is nothing to bring up to date. Run it, with the number of the next step,
  /// before tables are read by anything but training steps: saving, evaluating, predicting.
  virtual Graph catch_up() const = 0;

  /// The names of the float32 scalars that training graphs take before "step", and their values in
  /// step `step` (counts from 1).
  virtual std::vector<std::string> scalar_names() const = 0;
  virtual std::vector<double> scalars_at(int64_t step) const = 0;
  /// The first of the scalars.
  double learning_rate_at(int64_t step) const { return scalars_at(step)[0]; }
  virtual void set_learning_rate(LearningRate learning_rate) = 0;

  /// All slots made so far, in a fixed order.
  virtual std::vector<VariablePtr> variables() const = 0;
  /// Tells the optimizer how many steps are finished, so that slots it makes for variables that
  /// come later start there.
  virtual void set_iterations(int64_t iterations) = 0;

 protected:
  Optimizer() = default;

 private:
  bool averages_swapped_ = false;
};

using OptimizerPtr = std::shared_ptr<Optimizer>;

// Keras 3's optimizers, arguments and defaults.

struct SGDOptions : OptimizerOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
};
OptimizerPtr SGD(const SGDOptions& options = {});

struct AdagradOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1, epsilon = 1e-7;
};
OptimizerPtr Adagrad(const AdagradOptions& options = {});

struct RMSpropOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9, momentum = 0.0, epsilon = 1e-7;
  bool centered = false;
};
OptimizerPtr RMSprop(const RMSpropOptions& options = {});

struct AdamOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
};
OptimizerPtr Adam(const AdamOptions& options = {});
/// Adam with weight_decay 0.004 unless given (Loshchilov & Hutter 2019).
OptimizerPtr AdamW(const AdamOptions& options = {});

struct FtrlOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5, initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0.0, l2_regularization_strength = 0.0;
  double l2_shrinkage_regularization_strength = 0.0, beta = 0.0;
};
OptimizerPtr Ftrl(const FtrlOptions& options = {});

struct AdadeltaOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.95, epsilon = 1e-7;
};
OptimizerPtr Adadelta(const AdadeltaOptions& options = {});

struct AdamaxOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
};
OptimizerPtr Adamax(const AdamaxOptions& options = {});
OptimizerPtr Nadam(const AdamaxOptions& options = {});

struct LionOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.99;
};
OptimizerPtr Lion(const LionOptions& options = {});

/// PyTorch's; for whole data sets, not for batches. The learning rate is the first step size.
struct RpropOptions : OptimizerOptions {
  LearningRate learning_rate = 0.01;
  double eta_minus = 0.5, eta_plus = 1.2, step_min = 1e-6, step_max = 50.0;
};
OptimizerPtr Rprop(const RpropOptions& options = {});

// These need the whole of a parameter in each step: tables move as a whole, and lazy is refused.

struct AdafactorOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3, clip_threshold = 1.0;
};
OptimizerPtr Adafactor(const AdafactorOptions& options = {});

OptimizerPtr Lamb(const AdamaxOptions& options = {});

/// weight_decay (1e-4 unless given) is part of the gradient, as in the paper.
struct LARSOptions : OptimizerOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.9, trust_coefficient = 0.001, epsilon = 1e-8;
  bool nesterov = false;
};
OptimizerPtr LARS(const LARSOptions& options = {});

/// weight_decay, of matrices, 0.004 unless given.
struct MuonOptions : OptimizerOptions {
  LearningRate learning_rate = 0.001;
  double adam_beta_1 = 0.9, adam_beta_2 = 0.999, epsilon = 1e-7, adam_lr_ratio = 1.0;
  std::string exclude_layers = {};  ///< variables whose names this pattern matches move by Adam
  bool exclude_embeddings = true, nesterov = true;
  double momentum = 0.95, adam_weight_decay = 0.004;
  double rms_rate = 0.2;  ///< root mean square of a matrix' step; 0: as it comes
  int64_t ns_steps = 5;
};
OptimizerPtr Muon(const MuonOptions& options = {});

/// Limited-memory BFGS for whole data sets: a step evaluates its batch up to max_eval times and
/// moves the variables up to max_iter times. PyTorch's arguments and defaults, but for history_size
/// (100 there, 10 in SciPy and scikit-learn) and the line search, which is on.
/// Source: Liu & Nocedal 1989; the strong Wolfe conditions: Nocedal & Wright 2006, ch. 3.
struct LBFGSOptions {
  std::string name = "lbfgs";
  LearningRate learning_rate = 1.0;  ///< first length to try
  int64_t max_iter = 20;
  std::optional<int64_t> max_eval = {};  ///< empty: max_iter * 5 / 4
  double tolerance_grad = 1e-7;          ///< of the largest element
  double tolerance_change = 1e-9;        ///< of the loss, and of the largest move
  int64_t history_size = 10;
  bool line_search = true;  ///< false: every length is learning_rate
};
OptimizerPtr LBFGS(const LBFGSOptions& options = {});

/// The teaching baseline: each step draws a random move of length learning_rate (normal, for every
/// parameter) and keeps it when the loss of the batch went down. No gradients.
struct RandomSearchOptions {
  std::string name = "random_search";
  LearningRate learning_rate = 0.01;
  int64_t seed = 0;
};
OptimizerPtr RandomSearch(const RandomSearchOptions& options = {});

/// One optimizer for each group of parameters: a variable belongs to the first group whose pattern
/// its name matches. Patterns are regular expressions that match anywhere ("wide", "embedding").
/// A variable that none matches goes to the last group, whose pattern may be empty.
struct OptimizerGroup {
  std::string pattern;
  OptimizerPtr optimizer;
};
OptimizerPtr OptimizerGroups(std::vector<OptimizerGroup> groups);

/// "adam", "Adam", "rmsprop", ... with its defaults; throws Error listing the known ones.
OptimizerPtr get_optimizer(std::string_view name);
/// From {"class_name": ..., "config": {...}}.
OptimizerPtr optimizer_from_config(const nlohmann::json& description);
nlohmann::json optimizer_description(const Optimizer& optimizer);

}  // namespace andiron::nn
