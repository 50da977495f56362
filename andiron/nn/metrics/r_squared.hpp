#pragma once

#include "andiron/nn/metrics/metric.hpp"

namespace andiron::metrics {

/// 1 - sum w (t - p)^2 / sum w (t - mean t)^2 for each column of [n, columns]; of columns that do
/// not vary 1 where the predictions are exact, else 0 (scikit-learn's r2_score). NaN for fewer than
/// two samples.
class RSquared : public Metric {
 public:
  struct Options {
    /// The mean over columns, by their variance with "variance_weighted_average"; "none": each.
    std::string aggregation = "uniform_average";
    /// Not 0: adjusted for so many regressors, 1 - (1 - R^2) (n - 1) / (n - regressors - 1), with
    /// n samples. (Keras takes the numbers of all columns for samples.)
    int64_t n_regressors = 0;
  };
  explicit RSquared(Options options);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  double result() const override;
  std::string note() const override;
  Tensor values() const override;
  void reset() override;
  void merge_state(const std::map<std::string, Tensor>& state) override;
  std::map<std::string, Tensor> state() const override;
  void restore(const std::map<std::string, Tensor>& state) override;

 private:
  /// Moments of the labels of a column and the squares of the errors, which parts can be merged by
  /// (Chan, Golub and LeVeque 1983): sums of t^2 would cancel.
  struct Column {
    double weight = 0.0, mean = 0.0, squares = 0.0, errors = 0.0;
    void add(const Column& other);
  };
  static constexpr int64_t kFields = 4;
  std::vector<double> by_column() const;
  std::vector<Column> columns_in(const std::map<std::string, Tensor>& state, double& n) const;
  void merge(const std::vector<Column>& columns, double n);

  Options options_;
  std::vector<Column> columns_;
  double n_ = 0.0;  // samples
};

}  // namespace andiron::metrics
