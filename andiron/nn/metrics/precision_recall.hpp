#pragma once

#include "andiron/nn/metrics/metric.hpp"

namespace andiron::metrics {

/// One number as a scalar, several as a vector.
Tensor values_of(const std::vector<double>& figures);

/// Weighted counts of true positives and of what it compares with, at one or several thresholds in
/// [0, 1]: an element is predicted positive when y_pred > threshold. Labels are 0 or 1. With
/// `class_id`, the elements are that column of the last axis.
class ThresholdMetric : public SumsMetric {
 public:
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  /// At the first threshold; 0 when there is nothing to divide by, as in Keras.
  double result() const override { return results()[0]; }
  /// At each threshold.
  std::vector<double> results() const;
  Tensor values() const override { return values_of(results()); }
  const std::vector<double>& thresholds() const { return thresholds_; }

 protected:
  /// Throws Error when a threshold is not in [0, 1] or there is none.
  ThresholdMetric(std::string name, bool of_predicted, std::vector<double> thresholds,
                  int64_t class_id);

 private:
  std::string name_;
  bool of_predicted_;  // divide by the predicted positives, not by the actual ones
  std::vector<double> thresholds_;
  int64_t class_id_;  // -1: all of them
};

/// true positives / predicted positives
class Precision : public ThresholdMetric {
 public:
  explicit Precision(std::vector<double> thresholds = {0.5}, int64_t class_id = -1)
      : ThresholdMetric("precision", true, std::move(thresholds), class_id) {}
};

/// true positives / actual positives
class Recall : public ThresholdMetric {
 public:
  explicit Recall(std::vector<double> thresholds = {0.5}, int64_t class_id = -1)
      : ThresholdMetric("recall", false, std::move(thresholds), class_id) {}
};

/// Weighted counts of one cell of the table of labels and predictions, at each threshold.
class CellCount : public SumsMetric {
 public:
  enum class Cell { true_positives, true_negatives, false_positives, false_negatives };
  explicit CellCount(Cell cell, std::vector<double> thresholds = {0.5});
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  double result() const override { return sums_[0]; }
  Tensor values() const override { return values_of(sums_); }

 private:
  Cell cell_;
  std::vector<double> thresholds_;
};

}  // namespace andiron::metrics
