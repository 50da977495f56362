#pragma once

#include "andiron/nn/metrics/class_table.hpp"

namespace andiron::metrics {

/// Weighted counts [label, prediction] of classes (see ClassPairs for what predictions may be).
class Confusion : public ClassTable {
 public:
  struct Options {
    int64_t n_classes = 0;   ///< 0: as many as were seen
    double threshold = 0.5;  ///< of single scores
  };
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

 protected:
  Confusion(std::string name, const Options& options);
  std::string settings() const;
  const std::string& name() const { return name_; }
  /// The label that is left out with what was predicted for it; any number.
  std::optional<int64_t> ignored_;

 private:
  std::string name_;
  Options options_;
};

/// The counts themselves: `values` is [classes, classes], rows are labels. `normalize`: "" or by
/// the sums over "true" (rows), "pred" (columns) or "all"; 0 where a sum is 0.
class ConfusionMatrix : public Confusion {
 public:
  explicit ConfusionMatrix(const Options& options, std::string normalize = "");
  std::string signature() const override;
  double result() const override;
  Tensor values() const override;

 private:
  std::string normalize_;
};

/// The mean recall of the classes that occur; `adjusted`: 0 for guessing, 1 for perfection.
class BalancedAccuracy : public Confusion {
 public:
  explicit BalancedAccuracy(const Options& options, bool adjusted = false);
  std::string signature() const override;
  double result() const override;

 private:
  bool adjusted_;
};

/// Agreement beyond chance. `weights`: "" (all mistakes are equal), "linear", "quadratic".
/// Cohen 1960, 1968.
class CohenKappa : public Confusion {
 public:
  explicit CohenKappa(const Options& options, std::string weights = "");
  std::string signature() const override;
  double result() const override;

 private:
  std::string weights_;
};

/// The correlation of labels and predictions, of several classes: Gorodkin 2004. 0 where one of
/// them does not vary.
class MatthewsCorrelation : public Confusion {
 public:
  explicit MatthewsCorrelation(const Options& options);
  std::string signature() const override;
  double result() const override;
};

/// Intersection over union, the mean over `targets` (empty: all classes) that occur in labels or
/// predictions. Labels equal to `ignored` are left out; it needs not be a class.
class IoU : public Confusion {
 public:
  IoU(const Options& options, std::vector<int64_t> targets, std::optional<int64_t> ignored = {});
  std::string signature() const override;
  double result() const override;

 private:
  std::vector<int64_t> targets_;
};

}  // namespace andiron::metrics
