#pragma once

#include <optional>

#include "andiron/nn/metrics/class_table.hpp"

namespace andiron::metrics {

/// Precision, recall, F-beta or Jaccard index of classes or labels, averaged as in scikit-learn
/// (zero_division=0; every column of y_pred counts, as in Keras).
///
/// y_pred [..., classes] are decided by `threshold` (several labels a row may hold, y_true has its
/// shape), or without it by the highest score of a row (y_true: ids or one-hot rows). Ids and
/// single scores are as in ClassPairs; of two classes that single scores mean, and of "binary",
/// class 1 is looked at.
class ClassScore : public ClassTable {
 public:
  enum class Kind { precision, recall, f_beta, jaccard };
  struct Options {
    double beta = 1.0;  ///< of f_beta: how much more recall counts than precision
    /// "none": one figure a class; or binary, micro, macro, weighted; "auto" is binary for two
    /// classes, else macro.
    std::string average = "none";
    std::optional<double> threshold = {};
    int64_t n_classes = 0;
  };
  ClassScore(Kind kind, Options options);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  /// NaN without average.
  double result() const override;
  std::string note() const override;
  /// [classes] without average.
  Tensor values() const override;

 private:
  enum Row { kHits, kPredicted, kActual };
  double figure(double hits, double predicted, double actual) const;
  double figure_of(int64_t c) const {
    return figure(at(kHits, c), at(kPredicted, c), at(kActual, c));
  }
  void add_labels(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight);

  Kind kind_;
  Options options_;
};

}  // namespace andiron::metrics
