#include <cmath>

#include "andiron/nn/metrics/columns.hpp"
#include "andiron/nn/metrics/means.hpp"

namespace andiron::metrics {

namespace {

// Adds sum(w f(t, p)) and sum(w).
template <class F>
void add_mean(const Columns& columns, std::vector<double>& sums, F f) {
  columns.for_each_piece([&](int64_t, auto t, auto p, auto w) {
    double total = 0.0, weight = 0.0;
    for (size_t i = 0; i < t.size(); ++i) {
      total += w[i] * f(t[i], p[i]);
      weight += w[i];
    }
    sums[0] += total;
    sums[1] += weight;
  });
}

}  // namespace

void Mean::update(const Tensor&, const Tensor& y_pred, const Tensor& weight) {
  add_mean(Columns("mean", y_pred, y_pred, weight), sums_, [](double, double p) { return p; });
}

void Sum::update(const Tensor&, const Tensor& y_pred, const Tensor& weight) {
  Columns("sum", y_pred, y_pred, weight).for_each_piece([&](int64_t, auto, auto p, auto w) {
    for (size_t i = 0; i < p.size(); ++i) sums_[0] += w[i] * p[i];
  });
}

void MeanSquaredError::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  add_mean(Columns(signature(), y_true, y_pred, weight), sums_,
           [](double t, double p) { return (p - t) * (p - t); });
}

double RootMeanSquaredError::result() const { return std::sqrt(MeanSquaredError::result()); }

void MeanAbsoluteError::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  add_mean(Columns(signature(), y_true, y_pred, weight), sums_,
           [](double t, double p) { return std::abs(p - t); });
}

}  // namespace andiron::metrics
