#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::train {

class Trainer;

/// Figures by name, in the order in which they are shown: "loss", metrics, "val_loss", ...
using Logs = std::vector<std::pair<std::string, double>>;
/// Null when there is no such figure.
const double* find(const Logs& logs, std::string_view name);

/// What a user may hook into training; Keras's names. Epochs and batches count from 0.
/// Called on the thread that called `fit`.
class Callback {
 public:
  virtual ~Callback() = default;

  /// Throws Error, before anything else happens, when the training cannot give the figures that it
  /// looks at. Validation is in every so many epochs; 0: none.
  virtual void check(int64_t validation_freq) const { (void)validation_freq; }
  /// The training it belongs to, from before on_train_begin on.
  virtual void set_trainer(Trainer* trainer) { trainer_ = trainer; }
  virtual void on_train_begin() {}
  virtual void on_train_end(const Logs& logs) { (void)logs; }
  virtual void on_epoch_begin(int64_t epoch) { (void)epoch; }
  virtual void on_epoch_end(int64_t epoch, const Logs& logs) { (void)epoch, (void)logs; }
  virtual void on_train_batch_begin(int64_t batch) { (void)batch; }
  virtual void on_train_batch_end(int64_t batch, const Logs& logs) { (void)batch, (void)logs; }
  virtual void on_test_begin() {}
  virtual void on_test_end(const Logs& logs) { (void)logs; }
  /// Whether its hook at the end of a batch, of training or of a test, looks at more than the loss:
  /// metrics' running values are then in the logs. Areas under curves sort all scores for that.
  virtual bool wants_batch_metrics(bool training) const {
    (void)training;
    return false;
  }
  virtual void on_test_batch_begin(int64_t batch) { (void)batch; }
  virtual void on_test_batch_end(int64_t batch, const Logs& logs) { (void)batch, (void)logs; }

  /// What a checkpoint keeps of it: a training that is resumed goes on as if it had not stopped.
  virtual nlohmann::json state() const;
  virtual std::map<std::string, Tensor> tensors() const { return {}; }
  virtual void restore(const nlohmann::json& state, const std::map<std::string, Tensor>& tensors);

 protected:
  Trainer* trainer_ = nullptr;
};

using CallbackPtr = std::shared_ptr<Callback>;

}  // namespace andiron::train
