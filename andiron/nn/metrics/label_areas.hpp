#pragma once

#include "andiron/nn/metrics/area_under_curve.hpp"

namespace andiron::metrics {

/// The area under a curve of each label or class, averaged as in scikit-learn: y_pred [..., labels]
/// with y_true of its shape (0 or 1), or class ids, each class against the rest.
class LabelAreas : public Metric {
 public:
  struct Options {
    AreaUnderCurve::Curve curve = AreaUnderCurve::Curve::roc;
    /// The mean over labels; "weighted" by a label's positives; "none": each.
    std::string average = "macro";
    int64_t n_labels = 0;                    ///< 0: as many as the first batch has
    std::vector<double> label_weights = {};  ///< of "macro"; empty: equal
  };
  explicit LabelAreas(Options options);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  /// NaN while a label's is.
  double result() const override;
  std::string note() const override;
  Tensor values() const override;
  void reset() override;
  void merge_state(const std::map<std::string, Tensor>& state) override;
  std::map<std::string, Tensor> state() const override;
  void restore(const std::map<std::string, Tensor>& state) override;

 private:
  void make_room(int64_t labels);

  Options options_;
  std::vector<AreaUnderCurve> areas_;
};

}  // namespace andiron::metrics
