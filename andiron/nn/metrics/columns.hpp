#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "andiron/base/error.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::metrics {

/// Elements [begin, begin + out.size()) of a dense tensor as doubles.
void read_doubles(const Tensor& dense, int64_t begin, std::span<double> out);

/// A threshold as numbers of this type have it: 0.4 is not above a threshold of 0.4 in float32.
double threshold_as(DType dtype, double threshold);

/// Column `column` of the last axis, as [rows]. Throws Error naming `metric` and `what`.
Tensor column_of(std::string_view metric, const char* what, const Tensor& t, int64_t column);

/// Labels, predictions and weights of a batch, checked against each other and read in pieces that
/// fit into L1. Holds dense copies where the tensors are strided.
class Columns {
 public:
  /// y_true and y_pred have the same number of elements ([n] and [n,1] are the same); `weight` is
  /// undefined or divides it. Throws Error naming `metric`.
  Columns(std::string_view metric, const Tensor& y_true, const Tensor& y_pred,
          const Tensor& weight);

  int64_t count() const { return y_pred_.count(); }
  bool weighted() const { return weight_.defined(); }

  /// Calls f(first, y_true, y_pred, weight) with spans of equal length; weights are 1 when there
  /// are none.
  template <class F>
  void for_each_piece(F f) const {
    std::array<double, kPiece> t, p, w;
    w.fill(1.0);
    for (int64_t i = 0; i < count(); i += kPiece) {
      const auto n = static_cast<size_t>(std::min<int64_t>(kPiece, count() - i));
      read_doubles(y_true_, i, {t.data(), n});
      read_doubles(y_pred_, i, {p.data(), n});
      if (weighted()) read_weights(i, {w.data(), n});
      f(i, std::span<const double>(t.data(), n), std::span<const double>(p.data(), n),
        std::span<const double>(w.data(), n));
    }
  }

 private:
  static constexpr int64_t kPiece = 512;
  void read_weights(int64_t begin, std::span<double> out) const;

  Tensor y_true_, y_pred_, weight_;
  int64_t elements_per_weight_ = 1;
};

/// Rows of scores [n, classes] with their labels: class ids, or one-hot rows.
class Rows {
 public:
  /// y_pred is [..., classes]; y_true is of that shape when `one_hot`, otherwise one id for each
  /// row, where `ignored` needs not be in range. Throws Error naming `metric`.
  Rows(std::string_view metric, const Tensor& y_true, const Tensor& y_pred, const Tensor& weight,
       bool one_hot, std::optional<int64_t> ignored = {});

  int64_t count() const { return n_; }
  int64_t classes() const { return classes_; }

  /// Calls f(row, y_true, y_pred, weight): y_true is the one-hot row or, in its only element, the
  /// id, which is in range or the ignored one.
  template <class F>
  void for_each_row(F f) const {
    std::vector<double> t(static_cast<size_t>(one_hot_ ? classes_ : 1));
    std::vector<double> p(static_cast<size_t>(classes_));
    for (int64_t i = 0; i < n_; ++i) {
      read_doubles(y_true_, i * static_cast<int64_t>(t.size()), t);
      read_doubles(y_pred_, i * classes_, p);
      double w = 1.0;
      if (weight_.defined()) read_doubles(weight_, i, {&w, 1});
      f(i, std::span<const double>(t), std::span<const double>(p), w);
    }
  }

 private:
  Tensor y_true_, y_pred_, weight_;
  int64_t n_ = 0, classes_ = 0;
  bool one_hot_;
};

}  // namespace andiron::metrics
