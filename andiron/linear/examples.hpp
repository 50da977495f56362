#pragma once

#include <utility>
#include <vector>

#include "andiron/linear/loss.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::linear {

/// Rows [first, second).
using Rows = std::pair<int64_t, int64_t>;

/// What a linear classifier learns from. It has a copy of the features minus their means: the
/// penalty leaves the intercepts alone, so this moves them only, and L-BFGS takes about half as
/// many steps for features that are far from zero (averages behind a relu). Immutable.
class Examples {
 public:
  /// x [n, d] float32, n and d positive. targets: labels [n] int64 below n_classes for softmax,
  /// else [n, n_classes] of 0 and 1. weights [n] or undefined: all 1. `order` [n] or empty: row i
  /// is row order[i] of what is given. Throws Error for other shapes, labels, and numbers that are
  /// not finite.
  Examples(const Tensor& x, const Tensor& targets, const Tensor& weights, int64_t n_classes,
           Loss loss, bool centred, const std::vector<int64_t>& order = {});

  int64_t rows() const { return x_.size(0); }
  int64_t features() const { return x_.size(1); }
  int64_t classes() const { return classes_; }
  Loss loss() const { return loss_; }
  const float* x(int64_t row) const { return x_.data<float>() + row * features(); }
  int64_t label(int64_t row) const { return labels_[static_cast<size_t>(row)]; }
  const float* targets(int64_t row) const { return targets_.data() + row * classes_; }
  float weight(int64_t row) const {
    return weights_.empty() ? 1.0F : weights_[static_cast<size_t>(row)];
  }
  double total_weight(const std::vector<Rows>& ranges) const;
  /// Of each feature; zeros where not centred.
  const std::vector<double>& means() const { return means_; }

 private:
  Tensor x_;
  std::vector<int64_t> labels_;
  std::vector<float> targets_, weights_;
  std::vector<double> means_;
  int64_t classes_;
  Loss loss_;
};

}  // namespace andiron::linear
