#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/train/callbacks.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {

void Monitor::check() const {
  if (mode != "min" && mode != "max" && mode != "auto")
    fail("[{}] mode is \"min\", \"max\" or \"auto\"; got \"{}\"", name, mode);
}

void Monitor::require(std::string_view callback, int64_t validation_freq) const {
  if (of_validation() && validation_freq == 0)
    fail(
        "[{}] it monitors '{}', and there are no validation data: give some (fit's validation_data "
        "or validation_split, Spark's validation_indicator_col), or monitor '{}'",
        callback, name, name.substr(4));
}

// Parts of names of metrics.
constexpr const char* kHigherIsBetter[] = {"acc",
                                           "auc",
                                           "auroc",
                                           "auprc",
                                           "precision",
                                           "recall",
                                           "ndcg",
                                           "map@",
                                           "mrr@",
                                           "hit_rate",
                                           "coverage@",
                                           "novelty@",
                                           "f1",
                                           "fbeta",
                                           "jaccard",
                                           "kappa",
                                           "mean_iou",
                                           "io_u",
                                           "r2_score",
                                           "diversity",
                                           "sensitivity",
                                           "specificity",
                                           "true_positives",
                                           "true_negatives",
                                           "correlation",
                                           "cosine_similarity"};

bool Monitor::maximises() const {
  if (mode != "auto") return mode == "max";
  if (name.find("loss") != std::string::npos) return false;
  for (const char* part : kHigherIsBetter)
    if (name.find(part) != std::string::npos) return true;
  return false;
}

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(std::move(options)) {
  options_.monitor.check();
  options_.monitor.min_delta = std::abs(options_.monitor.min_delta);
  if (options_.patience < 0)
    fail("[EarlyStopping] patience must not be negative; got {}", options_.patience);
}

void EarlyStopping::check(int64_t validation_freq) const {
  options_.monitor.require("EarlyStopping", validation_freq);
}

void EarlyStopping::on_train_begin() {
  wait_ = stopped_epoch_ = best_epoch_ = 0;
  best_ = options_.monitor.worst();
  best_weights_.clear();
}

void EarlyStopping::keep_weights() {
  best_weights_.clear();
  trainer_->compiled().catch_up();
  for (const VariablePtr& v : trainer_->compiled().model()->variables())
    best_weights_.push_back(v->value().clone());
}

// As in Keras 3: the wait counts epochs without improvement; a baseline must be beaten before the
// wait starts anew.
void EarlyStopping::on_epoch_end(int64_t epoch, const Logs& logs) {
  const double* value = find(logs, options_.monitor.name);
  if (value == nullptr && options_.monitor.of_validation()) return;  // validation_freq > 1
  if (value == nullptr) {
    std::string known;
    for (const auto& [name, unused] : logs) known += (known.empty() ? "" : ", ") + name;
    fail("[EarlyStopping] there is no '{}' to monitor; there are: {}", options_.monitor.name,
         known);
  }
  if (epoch < options_.start_from_epoch) return;
  if (options_.restore_best_weights && best_weights_.empty()) {
    keep_weights();
    best_epoch_ = epoch;
  }
  ++wait_;
  if (options_.monitor.better(*value, best_)) {
    best_ = *value;
    best_epoch_ = epoch;
    if (options_.restore_best_weights) keep_weights();
    if (std::isnan(options_.baseline) || options_.monitor.better(*value, options_.baseline))
      wait_ = 0;
    return;
  }
  if (wait_ >= options_.patience && epoch > 0) {
    stopped_epoch_ = epoch;
    trainer_->stop_training();
  }
}

void EarlyStopping::on_train_end(const Logs&) {
  if (!options_.restore_best_weights || best_weights_.empty()) return;
  const std::vector<VariablePtr> variables = trainer_->compiled().model()->variables();
  for (size_t i = 0; i < variables.size(); ++i) variables[i]->assign(best_weights_[i]);
}

nlohmann::json EarlyStopping::state() const {
  return {{"wait", wait_}, {"stopped_epoch", stopped_epoch_}, {"best_epoch", best_epoch_}};
}

std::map<std::string, Tensor> EarlyStopping::tensors() const {
  std::map<std::string, Tensor> out = {{"best", Tensor::full(DType::f64, {}, best_)}};
  for (size_t i = 0; i < best_weights_.size(); ++i)
    out[fmt::format("best_weights/{:04d}", i)] = best_weights_[i];
  return out;
}

void EarlyStopping::restore(const nlohmann::json& state,
                            const std::map<std::string, Tensor>& tensors) {
  wait_ = state.at("wait");
  stopped_epoch_ = state.at("stopped_epoch");
  best_epoch_ = state.at("best_epoch");
  best_ = tensors.at("best").item();
  best_weights_.clear();
  for (const auto& [name, tensor] : tensors)
    if (name != "best") best_weights_.push_back(tensor);
}

}  // namespace andiron::train
