#pragma once

#include <cstdint>

#include "andiron/nn/metrics/metric.hpp"

namespace andiron::metrics {

/// Area under a curve over all thresholds: exact, not on a grid as in Keras.
///
/// `roc`: the probability that a positive scores higher than a negative, ties counting half (equal
/// to scikit-learn's roc_auc_score). NaN while only one class was seen.
/// `precision_recall`: average precision, sum_k (R_k - R_{k-1}) P_k over distinct scores (equal to
/// average_precision_score; no interpolation). NaN while no positive was seen.
///
/// The others are the best value of one figure over all thresholds at which another is at least
/// `bound`, 0 where it never is: `sensitivity_at_specificity`, `specificity_at_sensitivity`,
/// `precision_at_recall`, `recall_at_precision`.
///
/// Keeps every score: 5 bytes a sample (float32), 9 (float64), and 8 more with weights. `result`
/// sorts once after each update: O(n), a radix sort, without weights on all threads.
class AreaUnderCurve : public Metric {
 public:
  enum class Curve {
    roc,
    precision_recall,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
    precision_at_recall,
    recall_at_precision,
  };
  /// `class_id`: the scores are that column of the last axis; -1: all of them.
  explicit AreaUnderCurve(Curve curve = Curve::roc, int n_threads = 0, double bound = 0.0,
                          int64_t class_id = -1);

  std::string signature() const override;
  /// Labels are 0 or 1, weights finite and not negative. A NaN score makes the result NaN.
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  double result() const override;
  std::string note() const override;
  void reset() override;
  void merge_state(const std::map<std::string, Tensor>& state) override;
  std::map<std::string, Tensor> state() const override;
  void restore(const std::map<std::string, Tensor>& state) override;

  int64_t count() const { return static_cast<int64_t>(labels_.size()); }
  /// The weight of the positives seen.
  double positives() const { return weight_of(1); }

 private:
  void add(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight);
  double weight_of(uint8_t label) const;
  template <class T>
  double area(const std::vector<T>& scores) const;
  void widen();  // float32 scores to float64

  Curve curve_;
  int n_threads_;  // 0: all
  double bound_;
  int64_t class_id_;
  bool wide_ = false;  // scores are in scores64_
  std::vector<float> scores32_;
  std::vector<double> scores64_;
  std::vector<uint8_t> labels_;
  std::vector<double> weights_;  // empty: all 1
  mutable double area_ = 0.0;
  mutable bool area_known_ = false;
};

}  // namespace andiron::metrics
