#pragma once

#include "andiron/nn/metrics/columns.hpp"
#include "andiron/nn/metrics/means.hpp"

namespace andiron::metrics {

/// The mean over rows [..., n] of a figure of the row's labels t and predictions p:
///   categorical_hinge                max(max((1 - t) p) - sum(t p) + 1, 0)
///   concordance_correlation          2 cov(t, p) / (var t + var p + (mean t - mean p)^2)
///   cosine_similarity                t p / (|t| |p|); 0 where one of them is 0
///   kl_divergence                    sum t log(t / p), both at least 1e-7
///   pearson_correlation              cov(t, p) / sqrt(var t var p)
///   top_k_categorical_accuracy       whether fewer than k scores are above the label's
/// With `sparse` the labels are class ids (top_k_categorical_accuracy).
class RowMean : public MeanMetric {
 public:
  /// Throws Error when there is no such figure, or k is below 1.
  explicit RowMean(std::string_view name, bool sparse = false, int64_t k = 5);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

  using Row = std::span<const double>;
  struct Figure {
    const char* name;
    double (*value)(Row t, Row p, int64_t k);
    bool takes_ids;
  };

 private:
  const Figure* figure_;
  bool sparse_;
  int64_t k_;
};

}  // namespace andiron::metrics
