#pragma once

#include "andiron/nn/metrics/means.hpp"

namespace andiron::metrics {

/// The mean over elements of a formula of label t and prediction p:
///   hinge, squared_hinge              max(1 - t p, 0), its square; labels -1 (or 0) and 1
///   huber                             e^2/2 where |e| <= parameter, else beyond it linear
///   log_cosh                          log(cosh(p - t))
///   mean_absolute_percentage_error    100 |p - t| / max(|t|, 1e-7), as in Keras
///   mean_pinball_loss                 max(q (t - p), (q - 1) (t - p)), q the parameter
///   mean_squared_logarithmic_error    (log(1 + p) - log(1 + t))^2, both at least 1e-7
///   poisson                           p - t log(p + 1e-7)
///   symmetric_mean_absolute_percentage_error    200 |p - t| / (|t| + |p|); 0 for 0 and 0
class ElementMean : public MeanMetric {
 public:
  /// Throws Error when there is no such formula.
  explicit ElementMean(std::string_view name, double parameter = 0.0);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

  struct Formula {
    const char* name;
    double (*value)(double t, double p, double parameter);
    bool (*label_fits)(double t);  ///< null: any number
    bool takes_parameter;
  };

 private:
  const Formula* formula_;
  double parameter_;
};

/// The mean of |p - t| / normalizer; 0 where the normalizer is 0. One normalizer for all, or one
/// for each element of the last axis.
class MeanRelativeError : public MeanMetric {
 public:
  explicit MeanRelativeError(std::vector<double> normalizer);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

 private:
  std::vector<double> normalizer_;
};

}  // namespace andiron::metrics
