#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::metrics {

/// A figure over all the data seen since `reset`: streaming (updated batch by batch), mergeable
/// (parts seen by several workers), and with a state that checkpoints store.
/// Thread safety: none; give each thread its own and merge them.
class Metric {
 public:
  virtual ~Metric() = default;

  /// Name and settings: metrics with equal signatures can be merged and restore each other's state.
  virtual std::string signature() const = 0;

  /// Adds a batch. `weight`: undefined, or one for each element of y_pred, or one for each row.
  /// Throws Error naming the metric and the row when the data break its rules; nothing is added.
  virtual void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) = 0;
  /// NaN when it is not defined for the data seen: then `note` says why.
  virtual double result() const = 0;
  /// The figures of a metric that has several (by class, by threshold, a matrix): then `result` is
  /// NaN where nothing else is said. Otherwise `result` as a scalar.
  virtual Tensor values() const { return Tensor::from<double>({result()}, {}); }
  virtual std::string note() const { return {}; }
  virtual void reset() = 0;
  /// Adds what `other` has seen, as if its batches had followed ours.
  void merge(const Metric& other);
  /// The same from a state. Throws Error when it is not the state of such a metric.
  virtual void merge_state(const std::map<std::string, Tensor>& state) = 0;

  /// Everything that was seen, as named tensors (for checkpoints).
  virtual std::map<std::string, Tensor> state() const = 0;
  /// Throws Error when it is not the state of such a metric.
  virtual void restore(const std::map<std::string, Tensor>& state) = 0;

  /// Signature and state in one string of bytes (for sending).
  std::string serialize() const;
  void deserialize(std::string_view bytes);

 protected:
  /// Throws Error unless the signatures are equal.
  void require_same(const Metric& other) const;
};

using MetricPtr = std::shared_ptr<Metric>;

/// A metric that is a function of a fixed number of sums.
class SumsMetric : public Metric {
 public:
  void reset() override { sums_.assign(sums_.size(), 0.0); }
  void merge_state(const std::map<std::string, Tensor>& state) override;
  std::map<std::string, Tensor> state() const override;
  void restore(const std::map<std::string, Tensor>& state) override;

 protected:
  explicit SumsMetric(size_t n_sums) : sums_(n_sums, 0.0) {}
  std::vector<double> sums_;

 private:
  const double* sums_of(const std::map<std::string, Tensor>& state) const;
};

/// A metric with settings: {"k": 5}. `kind` is one of the names of catalog.cpp.
MetricPtr make_metric(std::string_view kind, const nlohmann::json& settings);
/// The metric of that name, as Keras 3 and scikit-learn call it: "accuracy", "binary_accuracy",
/// "BinaryAccuracy", "AUC", "auroc", "auprc", "precision", "recall", "mse", "mae", "rmse",
/// "log_loss", "binary_crossentropy", "ndcg@10", "hit_rate@10", "precision@20" ...
/// Throws Error listing the known names.
MetricPtr make_metric(std::string_view name);
std::vector<std::string> metric_names();

}  // namespace andiron::metrics
