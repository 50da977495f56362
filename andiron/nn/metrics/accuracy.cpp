#include <algorithm>

#include "andiron/nn/metrics/columns.hpp"
#include "andiron/nn/metrics/means.hpp"

namespace andiron::metrics {

namespace {

double first_largest(std::span<const double> row) {
  return static_cast<double>(std::max_element(row.begin(), row.end()) - row.begin());
}

void add_binary(double threshold, const Columns& columns, std::vector<double>& sums) {
  columns.for_each_piece([&](int64_t, auto t, auto p, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      sums[0] += t[i] == (p[i] > threshold ? 1.0 : 0.0) ? w[i] : 0.0;
      sums[1] += w[i];
    }
  });
}

void add_categorical(const Rows& rows, std::vector<double>& sums) {
  rows.for_each_row([&](int64_t, auto t, auto p, double w) {
    const double wanted = t.size() == 1 ? t[0] : first_largest(t);
    sums[0] += wanted == first_largest(p) ? w : 0.0;
    sums[1] += w;
  });
}

}  // namespace

std::string BinaryAccuracy::signature() const {
  return fmt::format("binary_accuracy(threshold={})", threshold_);
}

void BinaryAccuracy::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Columns columns("binary_accuracy", y_true, y_pred, weight);
  add_binary(threshold_as(y_pred.dtype(), threshold_), columns, sums_);
}

void CategoricalAccuracy::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Rows rows("categorical_accuracy", y_true, y_pred, weight, true);
  if (rows.classes() < 2)
    fail(
        "[categorical_accuracy] one class only: y_pred is {}; use "
        "binary_accuracy",
        str(y_pred.sizes()));
  add_categorical(rows, sums_);
}

void SparseCategoricalAccuracy::update(const Tensor& y_true, const Tensor& y_pred,
                                       const Tensor& weight) {
  add_categorical(Rows("sparse_categorical_accuracy", y_true, y_pred, weight, false), sums_);
}

void Accuracy::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const bool one = y_pred.defined() && (y_pred.rank() < 2 || y_pred.size(y_pred.rank() - 1) == 1);
  if (one) {
    add_binary(0.5, Columns("accuracy", y_true, y_pred, weight), sums_);
  } else {
    const bool one_hot = y_true.defined() && y_true.count() == y_pred.count();
    add_categorical(Rows("accuracy", y_true, y_pred, weight, one_hot), sums_);
  }
}

}  // namespace andiron::metrics
