#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "andiron/train/callback.hpp"

namespace andiron::train {

/// Whether a figure got better. Keras's rules.
struct Monitor {
  std::string name = "val_loss";
  /// "min", "max" or "auto": max for accuracies, areas under curves and ranking figures.
  std::string mode = "auto";
  double min_delta = 0.0;

  /// Throws Error when the mode is none of the three.
  void check() const;
  /// Throws Error, in the name of a callback, for a figure of a validation that is never made.
  void require(std::string_view callback, int64_t validation_freq) const;
  /// Whether the figure may be missing after an epoch: one of the validation, which is not in every
  /// epoch.
  bool of_validation() const { return name.starts_with("val_"); }
  bool maximises() const;
  double worst() const {
    const double infinity = std::numeric_limits<double>::infinity();
    return maximises() ? -infinity : infinity;
  }
  bool better(double value, double best) const {
    return maximises() ? value - min_delta > best : value + min_delta < best;
  }
};

struct EarlyStoppingOptions {
  Monitor monitor = {};
  int64_t patience = 0;
  bool restore_best_weights = false;
  double baseline = std::numeric_limits<double>::quiet_NaN();  ///< NaN: none
  int64_t start_from_epoch = 0;
};

/// Stops training when a figure has not got better for `patience` epochs.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options);

  void check(int64_t validation_freq) const override;
  void on_train_begin() override;
  void on_epoch_end(int64_t epoch, const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  nlohmann::json state() const override;
  std::map<std::string, Tensor> tensors() const override;
  void restore(const nlohmann::json& state, const std::map<std::string, Tensor>& tensors) override;

  int64_t stopped_epoch() const { return stopped_epoch_; }  ///< 0: it did not
  int64_t best_epoch() const { return best_epoch_; }
  double best() const { return best_; }
  int64_t wait() const { return wait_; }

 private:
  void keep_weights();

  EarlyStoppingOptions options_;
  double best_ = 0.0;
  int64_t wait_ = 0, stopped_epoch_ = 0, best_epoch_ = 0;
  std::vector<Tensor> best_weights_;
};

struct ModelCheckpointOptions {
  /// May name the epoch (from 1) and figures: "model-{epoch:02d}-{val_loss:.3f}.safetensors"; with
  /// save_freq the batch (from 1), too.
  std::string filepath;
  Monitor monitor = {};
  bool save_best_only = false;
  bool save_weights_only = false;
  int64_t save_freq = 0;  ///< batches; 0: after each epoch
  double initial_value_threshold = std::numeric_limits<double>::quiet_NaN();
};

/// Saves the model while it trains.
class ModelCheckpoint : public Callback {
 public:
  /// Writes the model to a path: the whole of it or its weights only.
  using Save = std::function<void(const std::string& path, bool weights_only)>;
  ModelCheckpoint(ModelCheckpointOptions options, Save save);

  void check(int64_t validation_freq) const override;
  void on_epoch_begin(int64_t epoch) override { epoch_ = epoch; }
  void on_train_batch_end(int64_t batch, const Logs& logs) override;
  bool wants_batch_metrics(bool training) const override;
  void on_epoch_end(int64_t epoch, const Logs& logs) override;
  nlohmann::json state() const override;
  std::map<std::string, Tensor> tensors() const override;
  void restore(const nlohmann::json& state, const std::map<std::string, Tensor>& tensors) override;
  double best() const { return best_; }

 private:
  void save(int64_t epoch, std::optional<int64_t> batch, const Logs& logs);

  ModelCheckpointOptions options_;
  Save save_;
  double best_;
  int64_t batches_ = 0, epoch_ = 0;
};

/// Keras's progress bar in lines of text. verbose 1: a bar that moves; 2: one line for each epoch.
class ProgressBar : public Callback {
 public:
  using Write = std::function<void(const std::string&)>;
  /// Writes to standard output unless told otherwise.
  explicit ProgressBar(int verbose = 1, Write write = {});

  void on_epoch_begin(int64_t epoch) override;
  void on_train_batch_end(int64_t batch, const Logs& logs) override;
  void on_epoch_end(int64_t epoch, const Logs& logs) override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(int64_t done, const Logs& logs, bool final) const;

  int verbose_;
  Write write_;
  Clock::time_point start_, shown_;
  int64_t first_ = -1;  // batches that were done before this run (a resumed epoch)
  int64_t done_ = 0;    // batches of the epoch
};

}  // namespace andiron::train
