#pragma once

#include <optional>

#include "andiron/nn/metrics/metric.hpp"

namespace andiron::metrics {

/// Labels and predictions of a batch as class ids. y_pred is one of
///   [..., classes] scores: the class is the first of the highest;
///   integers (or, with `n_classes` given, any numbers), one for each label: ids themselves;
///   one score for each label: class 1 above the threshold, else 0.
/// y_true are ids, or rows [..., classes] whose highest is the class.
class ClassPairs {
 public:
  /// Throws Error naming `metric` and the row when ids are not whole numbers of at least 0, or not
  /// below `n_classes` (0: any). Rows of the label `ignored`, which may be any number, are left out
  /// with what was predicted for them.
  ClassPairs(std::string_view metric, const Tensor& y_true, const Tensor& y_pred,
             const Tensor& weight, int64_t n_classes, double threshold,
             std::optional<int64_t> ignored = {});

  struct Pair {
    int64_t label, predicted;
    double weight;
  };
  const std::vector<Pair>& pairs() const { return pairs_; }
  /// 1 + the highest id, or the number of scores of a row.
  int64_t classes() const { return classes_; }

 private:
  std::vector<Pair> pairs_;
  int64_t classes_ = 0;
};

/// A metric over classes: weighted counts [rows, classes] that grow with the classes seen.
class ClassTable : public Metric {
 public:
  void reset() override;
  void merge_state(const std::map<std::string, Tensor>& state) override;
  std::map<std::string, Tensor> state() const override;
  void restore(const std::map<std::string, Tensor>& state) override;
  std::string note() const override;

 protected:
  /// `n_rows` 0: as many as classes.
  ClassTable(int64_t n_rows, int64_t n_classes);
  int64_t classes() const { return classes_; }
  int64_t rows() const { return n_rows_ == 0 ? classes_ : n_rows_; }
  double at(int64_t row, int64_t column) const {
    return counts_[static_cast<size_t>(row * classes_ + column)];
  }
  double& at(int64_t row, int64_t column) {
    return counts_[static_cast<size_t>(row * classes_ + column)];
  }
  double row_sum(int64_t row) const;
  double column_sum(int64_t column) const;
  double total() const;
  /// Room for so many classes.
  void grow(int64_t n_classes);

 private:
  const Tensor& table_of(const std::map<std::string, Tensor>& state) const;

  int64_t n_rows_, given_classes_, classes_;
  std::vector<double> counts_;
};

}  // namespace andiron::metrics
