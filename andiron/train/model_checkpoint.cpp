#include <fmt/args.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/train/callbacks.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {

namespace {

std::string path_of(const std::string& pattern, int64_t epoch, std::optional<int64_t> batch,
                    const Logs& logs) {
  fmt::dynamic_format_arg_store<fmt::format_context> args;
  args.push_back(fmt::arg("epoch", epoch + 1));
  if (batch) args.push_back(fmt::arg("batch", *batch + 1));
  for (const auto& [name, value] : logs) args.push_back(fmt::arg(name.c_str(), value));
  try {
    return fmt::vformat(pattern, args);
  } catch (const fmt::format_error& e) {
    fail(
        "[ModelCheckpoint] the path '{}' names something that is not there ({}); there are "
        "\"epoch\" and the figures of the epoch, with save_freq also \"batch\"",
        pattern, e.what());
  }
}

}  // namespace

ModelCheckpoint::ModelCheckpoint(ModelCheckpointOptions options, Save save)
    : options_(std::move(options)), save_(std::move(save)) {
  options_.monitor.check();
  if (options_.filepath.empty()) fail("[ModelCheckpoint] needs a filepath");
  if (options_.save_freq < 0)
    fail("[ModelCheckpoint] save_freq must not be negative; got {}", options_.save_freq);
  best_ = std::isnan(options_.initial_value_threshold) ? options_.monitor.worst()
                                                       : options_.initial_value_threshold;
}

void ModelCheckpoint::check(int64_t validation_freq) const {
  if (options_.save_best_only) options_.monitor.require("ModelCheckpoint", validation_freq);
  const bool named = options_.filepath.find("{val_") != std::string::npos;
  if (named && validation_freq != 1)
    fail("[ModelCheckpoint] the path '{}' names a figure of the validation, which {}",
         options_.filepath,
         validation_freq == 0 ? "has no data: give some (fit's validation_data or "
                                "validation_split, Spark's validation_indicator_col)"
                              : "is not in every epoch: leave validation_freq at 1");
  if (options_.save_freq > 0 &&
      (named || (options_.save_best_only && options_.monitor.of_validation())))
    fail(
        "[ModelCheckpoint] with save_freq={} there are figures of the training only; got {}",
        options_.save_freq,
        named ? "the path '" + options_.filepath + "'" : "monitor '" + options_.monitor.name + "'");
}

void ModelCheckpoint::save(int64_t epoch, std::optional<int64_t> batch, const Logs& logs) {
  if (options_.save_best_only) {
    const double* value = find(logs, options_.monitor.name);
    if (value == nullptr && options_.monitor.of_validation()) return;  // validation_freq > 1
    if (value == nullptr)
      fail("[ModelCheckpoint] there is no '{}' to monitor", options_.monitor.name);
    if (!options_.monitor.better(*value, best_)) return;
    best_ = *value;
  }
  trainer_->compiled().catch_up();
  save_(path_of(options_.filepath, epoch, batch, logs), options_.save_weights_only);
}

void ModelCheckpoint::on_train_batch_end(int64_t batch, const Logs& logs) {
  if (options_.save_freq > 0 && ++batches_ % options_.save_freq == 0) save(epoch_, batch, logs);
}

bool ModelCheckpoint::wants_batch_metrics(bool training) const {
  const bool names_figures = options_.filepath.find('{') != std::string::npos;
  return training && options_.save_freq > 0 && (options_.save_best_only || names_figures);
}

void ModelCheckpoint::on_epoch_end(int64_t epoch, const Logs& logs) {
  if (options_.save_freq == 0) save(epoch, {}, logs);
}

nlohmann::json ModelCheckpoint::state() const { return {{"batches", batches_}}; }

std::map<std::string, Tensor> ModelCheckpoint::tensors() const {
  return {{"best", Tensor::full(DType::f64, {}, best_)}};
}

void ModelCheckpoint::restore(const nlohmann::json& state,
                              const std::map<std::string, Tensor>& tensors) {
  batches_ = state.at("batches");
  best_ = tensors.at("best").item();
}

}  // namespace andiron::train
