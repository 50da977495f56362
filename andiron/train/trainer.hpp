#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "andiron/nn/compiled_model.hpp"
#include "andiron/nn/metrics/metric.hpp"
#include "andiron/train/batch_source.hpp"
#include "andiron/train/callback.hpp"

namespace andiron::train {

class CheckpointStore;
class DataParallel;
class TrainingState;

/// A metric of one output of the model.
struct OutputMetric {
  std::string name;  ///< as in the logs: "accuracy", "rating_mae"
  size_t output = 0;
  metrics::MetricPtr metric;
  size_t target = 0;      ///< its place among the targets; the trainer finds it
  bool weighted = false;  ///< takes sample weights into account (Keras's weighted_metrics)
};

enum class OnNan {
  error,   ///< throw Error naming the step
  stop,    ///< end the training after this epoch's figures
  proceed  ///< go on, as Keras does
};

/// Besides those at the end of each epoch. They are written while training goes on; from the first
/// one on, the first worker holds a copy of variables, optimizer slots and callbacks' tensors.
struct CheckpointOptions {
  std::shared_ptr<CheckpointStore> store = nullptr;  ///< null: no checkpoints
  int64_t every_steps = 0;                           ///< 0: not by steps
  double every_seconds = 0.0;  ///< of the first worker's clock; 0: not by time
  bool resume = false;         ///< go on from the newest checkpoint, if there is one
};

struct FitOptions {
  int64_t epochs = 1, initial_epoch = 0;
  /// Whether weights that are not finite are an error at the start even where no step made them so,
  /// and at the end; each takes a look at all of them.
  bool check_weights = true;
  BatchSource* validation = nullptr;
  int64_t validation_freq = 1;
  std::vector<CallbackPtr> callbacks = {};
  OnNan on_nan = OnNan::error;
  CheckpointOptions checkpoint = {};
  /// Called between steps, and while the training waits for a checkpoint; may throw to interrupt
  /// it.
  std::function<void()> between_steps = {};
  /// With gradient_accumulation_steps: an epoch ends with an update, from fewer batches if need be.
  /// False: batches wait for those of the next call.
  bool whole_updates = true;
  /// Null: this process trains alone. All workers call fit with the same options; what one of them
  /// throws ends the training of all. Figures are those of all workers together, except while an
  /// epoch runs.
  DataParallel* workers = nullptr;
};

/// For each finished epoch its number and figures.
struct History {
  std::vector<int64_t> epoch;
  std::vector<Logs> logs;
};

/// The training loop. Whatever ends it (an error, an interrupt), the model stays usable and holds
/// the weights of the last finished step, and the last checkpoint that was taken is written.
/// Thread safety: one fit or evaluate at a time.
class Trainer {
 public:
  Trainer(std::shared_ptr<nn::CompiledModel> compiled, std::vector<OutputMetric> metrics);

  nn::CompiledModel& compiled() { return *compiled_; }
  const std::vector<OutputMetric>& metrics() const { return metrics_; }

  /// Returns when the last checkpoint is safe. What it or `evaluate` throws on one worker ends the
  /// others' work, too, with the same words.
  const History& fit(BatchSource& data, const FitOptions& options);
  /// With workers, each has a part of the data, and all get the figures of the whole.
  Logs evaluate(BatchSource& data, const std::vector<CallbackPtr>& callbacks = {},
                const std::function<void()>& between_steps = {}, DataParallel* workers = nullptr);

  /// Ends `fit` after the current epoch's batch; callbacks call it.
  void stop_training() { stop_training_ = true; }
  void set_stop_training(bool stop) { stop_training_ = stop; }
  bool stopping() const { return stop_training_; }
  /// Of the training that runs: for progress bars.
  int64_t epochs() const { return epochs_; }
  int64_t batches() const { return batches_; }
  const History& history() const { return history_; }

 private:
  friend class TrainingState;
  /// A figure that steps report by name. Not every batch has to: it has rows of its own.
  struct Reported {
    std::string name;
    double sum = 0.0, rows = 0.0;  // value * rows, over the batches that have it
  };
  /// Sums over the batches of an epoch, and where in the training they stand.
  struct Progress {
    int64_t epoch = 0, batch = 0;
    std::vector<double> sums;  // loss, outputs' losses: value * rows
    double rows = 0.0;
    std::vector<Reported> reported;
  };

  static void report(const Reported& figure, std::vector<Reported>& reported);
  void run(BatchSource& data, const FitOptions& options, TrainingState& state);
  Logs measure(BatchSource& data, const std::vector<CallbackPtr>& callbacks,
               const std::function<void()>& between_steps, DataParallel* workers);
  /// Progress and metrics as bytes; the sum of several, as if one process had seen all.
  std::string part(const Progress& progress) const;
  /// Stops when any worker stops. Throws Error when their next steps would differ.
  void agree(DataParallel& workers);
  void take_parts(const std::vector<std::string>& parts, Progress& progress);
  /// `counts`: whether the batch is one, or only keeps the place.
  void add(const nn::StepResult& result, const nn::Batch& batch, bool counts, Progress& progress);
  Logs logs_of(const Progress& progress) const;
  Logs batch_logs(const Progress& progress, bool with_metrics) const;
  void reset_metrics();
  void train_epoch(BatchSource& data, const FitOptions& options, TrainingState& state,
                   Progress& progress);
  void check_finite(const nn::StepResult& result, const FitOptions& options,
                    const Progress& progress);
  void check_weights(const FitOptions& options);
  void check_result(const FitOptions& options);

  std::shared_ptr<nn::CompiledModel> compiled_;
  std::vector<OutputMetric> metrics_;
  History history_;
  bool stop_training_ = false;
  int64_t epochs_ = 0, batches_ = 0;
  int64_t not_finite_since_ = 0;  // the first step whose loss was not finite; 0: none
};

}  // namespace andiron::train
