#pragma once

#include "andiron/nn/metrics/means.hpp"

namespace andiron::metrics {

/// How good probabilities are: the mean of sum_c (p_c - y_c)^2 over rows [..., classes], half of
/// that for two classes, and of (p - y)^2 for one probability of class 1 each (scikit-learn's
/// brier_score_loss). Labels are ids or one-hot rows. Brier 1950.
class BrierScore : public MeanMetric {
 public:
  std::string signature() const override { return "brier_score"; }
  /// Throws Error naming the row when something is no probability.
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
};

/// How far probabilities p are from what happens: over bins of equal width, |mean p - frequency|,
/// weighted by the bin's samples ("l1", the expected calibration error), the root of the mean
/// square ("l2"), or the largest ("max"). A probability of class 1 is compared with how often the
/// label is 1; rows [..., classes] have their highest compared with how often it is right.
/// Its sums are [bins, 3]: weight, sum of p, weight of what happened. Naeini et al. 2015; Guo et
/// al. 2017.
class CalibrationError : public SumsMetric {
 public:
  explicit CalibrationError(int64_t n_bins = 15, std::string norm = "l1");
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  double result() const override;
  std::string note() const override;

 private:
  void add(double p, double happened, double weight, std::vector<double>& sums) const;
  int64_t n_bins_;
  std::string norm_;
};

}  // namespace andiron::metrics
