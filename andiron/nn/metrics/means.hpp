#pragma once

#include "andiron/nn/metrics/metric.hpp"

namespace andiron::metrics {

/// sum(weight * value) / sum(weight) over elements; 0 before the first update, as in Keras. A
/// weight for each row counts for each element of the row.
class MeanMetric : public SumsMetric {
 public:
  double result() const override { return sums_[1] == 0.0 ? 0.0 : sums_[0] / sums_[1]; }

 protected:
  MeanMetric() : SumsMetric(2) {}
};

/// The mean of y_pred (y_true is not looked at and may be undefined).
class Mean : public MeanMetric {
 public:
  std::string signature() const override { return "mean"; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
};

/// The weighted sum of y_pred.
class Sum : public SumsMetric {
 public:
  Sum() : SumsMetric(1) {}
  std::string signature() const override { return "sum"; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  double result() const override { return sums_[0]; }
};

class MeanSquaredError : public MeanMetric {
 public:
  std::string signature() const override { return "mean_squared_error"; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
};

class RootMeanSquaredError : public MeanSquaredError {
 public:
  std::string signature() const override { return "root_mean_squared_error"; }
  double result() const override;
};

class MeanAbsoluteError : public MeanMetric {
 public:
  std::string signature() const override { return "mean_absolute_error"; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
};

/// How often (y_pred > threshold) equals y_true in {0, 1}.
class BinaryAccuracy : public MeanMetric {
 public:
  explicit BinaryAccuracy(double threshold = 0.5) : threshold_(threshold) {}
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

 private:
  double threshold_;
};

/// How often the largest of y_pred [..., classes] stands where the largest of one-hot y_true does.
/// Of equal scores the first counts.
class CategoricalAccuracy : public MeanMetric {
 public:
  std::string signature() const override { return "categorical_accuracy"; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
};

/// The same with class ids as labels.
class SparseCategoricalAccuracy : public MeanMetric {
 public:
  std::string signature() const override { return "sparse_categorical_accuracy"; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
};

/// "accuracy": the one of the three that the shapes ask for, as Keras chooses. Last axis of 1, or
/// one prediction per label: binary; y_true of y_pred's shape: categorical; else sparse.
class Accuracy : public MeanMetric {
 public:
  std::string signature() const override { return "accuracy"; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
};

/// Log loss of y_true in [0, 1]: -(y log p + (1-y) log(1-p)). Probabilities are clipped to
/// [epsilon, 1-epsilon]; scores before the sigmoid (`from_logits`) are not.
class BinaryCrossentropy : public MeanMetric {
 public:
  explicit BinaryCrossentropy(bool from_logits = false, double epsilon = 1e-7,
                              double label_smoothing = 0.0);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

 private:
  bool from_logits_;
  double epsilon_, label_smoothing_;
};

/// -sum_c y_c log p_c for rows [..., classes]; probabilities are divided by their sum and clipped
/// as in Keras. Labels are class ids when `sparse`, else one-hot (or soft) rows. Both take
/// `label_smoothing` s in [0, 1]: y becomes y (1 - s) + s / classes (s / 2 for the binary one).
class CategoricalCrossentropy : public MeanMetric {
 public:
  explicit CategoricalCrossentropy(bool sparse = false, bool from_logits = false,
                                   double epsilon = 1e-7, double label_smoothing = 0.0);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

 private:
  bool sparse_, from_logits_;
  double epsilon_, label_smoothing_;
};

}  // namespace andiron::metrics
