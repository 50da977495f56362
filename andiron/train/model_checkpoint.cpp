#include <fmt/args.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/train/callbacks.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {

namespace {

std::string path_of(const std::string& pattern, int64_t epoch, const Logs& logs) {
  fmt::dynamic_format_arg_store<fmt::format_context> args;
  args.push_back(fmt::arg("epoch", epoch + 1));
  for (const auto& [name, value] : logs) args.push_back(fmt::arg(name.c_str(), value));
  try {
    return fmt::vformat(pattern, args);
  } catch (const fmt::format_error& e) {
    fail(
        "[ModelCheckpoint] the path '{}' names something that is not there ({}); there are "
        "\"epoch\" and the figures of the epoch",
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

void ModelCheckpoint::save(int64_t epoch, const Logs& logs) {
  if (options_.save_best_only) {
    const double* value = find(logs, options_.monitor.name);
    if (value == nullptr)
      fail("[ModelCheckpoint] there is no '{}' to monitor", options_.monitor.name);
    if (!options_.monitor.better(*value, best_)) return;
    best_ = *value;
  }
  trainer_->compiled().catch_up();
  save_(path_of(options_.filepath, epoch, logs), options_.save_weights_only);
}

void ModelCheckpoint::on_train_batch_end(int64_t, const Logs& logs) {
  if (options_.save_freq > 0 && ++batches_ % options_.save_freq == 0) save(epoch_, logs);
}

bool ModelCheckpoint::wants_batch_metrics(bool training) const {
  const bool names_figures = options_.filepath.find('{') != std::string::npos;
  return training && options_.save_freq > 0 && (options_.save_best_only || names_figures);
}

void ModelCheckpoint::on_epoch_end(int64_t epoch, const Logs& logs) {
  if (options_.save_freq == 0) save(epoch, logs);
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
