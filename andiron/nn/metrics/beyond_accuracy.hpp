#pragma once

#include "andiron/nn/metrics/means.hpp"

// What recommendations are like beside being right. y_pred [users, items] are scores, of which each
// user's best k count (ties: the lower index); y_true is not looked at and may be undefined.
namespace andiron::metrics {

/// The share of all items that anybody is recommended.
class Coverage : public Metric {
 public:
  explicit Coverage(int64_t k);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  double result() const override;
  std::string note() const override;
  void reset() override { counts_ = Tensor(DType::f64, {0}); }
  void merge_state(const std::map<std::string, Tensor>& state) override;
  std::map<std::string, Tensor> state() const override { return {{"counts", counts_.clone()}}; }
  void restore(const std::map<std::string, Tensor>& state) override;

 private:
  const Tensor& counts_in(const std::map<std::string, Tensor>& state) const;
  void make_room(int64_t items);
  int64_t k_;
  /// To how many users (or what weight of them) each item is recommended.
  Tensor counts_ = Tensor(DType::f64, {0});
};

/// The mean over users of the mean of -log2 of the shares that the recommended items have of
/// `popularity` [items], counts of interactions, say: bits of surprise. An item without
/// interactions counts as if it had one. Zhou et al. 2010.
class Novelty : public MeanMetric {
 public:
  Novelty(int64_t k, const std::vector<double>& popularity);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

 private:
  int64_t k_;
  std::vector<double> surprise_;  // of each item
};

/// The mean over users of the mean over pairs of their recommended items of 1 - cos(a, b) of the
/// items' features [items, d]. Users with fewer than two items are left out. Ziegler et al. 2005.
class IntraListDiversity : public MeanMetric {
 public:
  IntraListDiversity(int64_t k, const Tensor& features);
  std::string signature() const override;
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;

 private:
  int64_t k_;
  Tensor directions_;  // f64 [items, d], of length 1 (or 0)
};

}  // namespace andiron::metrics
