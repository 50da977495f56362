#include "andiron/nn/metrics/probabilities.hpp"

#include <cmath>
#include <limits>

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void require_probability(const char* metric, int64_t row, double p) {
  if (!(p >= 0.0 && p <= 1.0))
    fail("[{}] row {}: a probability must be in [0, 1]; got {}", metric, row, p);
}

void require_label(const char* metric, int64_t row, double t) {
  if (t != 0.0 && t != 1.0) fail("[{}] row {}: a label must be 0 or 1; got {}", metric, row, t);
}

// Calls column(row, t, p, w) for one probability each, or row(row, t, p, w) for rows of them.
template <class Column, class Row>
void visit(const char* metric, const Tensor& y_true, const Tensor& y_pred, const Tensor& weight,
           Column column, Row row) {
  if (y_pred.defined() && (y_pred.rank() < 2 || y_pred.size(y_pred.rank() - 1) == 1)) {
    Columns(metric, y_true, y_pred, weight)
        .for_each_piece([&](int64_t first, auto t, auto p, auto w) {
          for (size_t i = 0; i < t.size(); ++i) {
            require_probability(metric, first + static_cast<int64_t>(i), p[i]);
            require_label(metric, first + static_cast<int64_t>(i), t[i]);
            column(t[i], p[i], w[i]);
          }
        });
    return;
  }
  const bool one_hot = y_true.defined() && y_pred.defined() && y_true.count() == y_pred.count();
  Rows(metric, y_true, y_pred, weight, one_hot)
      .for_each_row([&](int64_t i, auto t, auto p, double w) {
        for (double q : p) require_probability(metric, i, q);
        row(t, p, w);
      });
}

}  // namespace

void BrierScore::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  std::vector<double> sums = sums_;
  visit(
      "brier_score", y_true, y_pred, weight,
      [&](double t, double p, double w) {
        sums[0] += w * (p - t) * (p - t);
        sums[1] += w;
      },
      [&](std::span<const double> t, std::span<const double> p, double w) {
        double sum = 0.0;
        for (size_t c = 0; c < p.size(); ++c) {
          const double y = t.size() > 1 ? t[c] : static_cast<size_t>(t[0]) == c ? 1.0 : 0.0;
          sum += (p[c] - y) * (p[c] - y);
        }
        sums[0] += w * (p.size() == 2 ? sum / 2 : sum);
        sums[1] += w;
      });
  sums_ = std::move(sums);
}

CalibrationError::CalibrationError(int64_t n_bins, std::string norm)
    : SumsMetric(static_cast<size_t>(std::clamp<int64_t>(n_bins, 1, 1 << 20)) * 3),
      n_bins_(n_bins),
      norm_(std::move(norm)) {
  if (n_bins < 1 || n_bins > 1 << 20)
    fail("[calibration_error] bins must be from 1 to {}; got {}", 1 << 20, n_bins);
  if (norm_ != "l1" && norm_ != "l2" && norm_ != "max")
    fail("[calibration_error] norm must be l1, l2 or max; got '{}'", norm_);
}

std::string CalibrationError::signature() const {
  return fmt::format("calibration_error(bins={},norm={})", n_bins_, norm_);
}

// Bin i holds i / bins < p <= (i + 1) / bins, and 0.
void CalibrationError::add(double p, double happened, double weight,
                           std::vector<double>& sums) const {
  const auto n = static_cast<double>(n_bins_);
  auto bin = static_cast<int64_t>(std::ceil(p * n)) - 1;
  bin = std::clamp<int64_t>(bin, 0, n_bins_ - 1);
  // Edges are i * (1 / bins), rounded; the product above may round to the other side.
  auto edge = [&](int64_t i) { return static_cast<double>(i) * (1.0 / n); };
  if (bin > 0 && p <= edge(bin)) --bin;
  if (bin + 1 < n_bins_ && p > edge(bin + 1)) ++bin;
  double* at = sums.data() + bin * 3;
  at[0] += weight;
  at[1] += weight * p;
  at[2] += weight * happened;
}

void CalibrationError::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  std::vector<double> sums = sums_;
  visit(
      "calibration_error", y_true, y_pred, weight,
      [&](double t, double p, double w) { add(p, t, w, sums); },
      [&](std::span<const double> t, std::span<const double> p, double w) {
        const auto top = std::max_element(p.begin(), p.end()) - p.begin();
        const auto label = t.size() == 1 ? static_cast<std::ptrdiff_t>(t[0])
                                         : std::max_element(t.begin(), t.end()) - t.begin();
        add(p[static_cast<size_t>(top)], top == label ? 1.0 : 0.0, w, sums);
      });
  sums_ = std::move(sums);
}

double CalibrationError::result() const {
  double total = 0.0, error = 0.0, largest = 0.0;
  for (size_t i = 0; i < sums_.size(); i += 3) total += sums_[i];
  if (total == 0.0) return kNaN;
  for (size_t i = 0; i < sums_.size(); i += 3) {
    if (sums_[i] == 0.0) continue;
    const double apart = std::abs(sums_[i + 1] - sums_[i + 2]) / sums_[i];
    error += sums_[i] / total * (norm_ == "l2" ? apart * apart : apart);
    largest = std::max(largest, apart);
  }
  return norm_ == "max" ? largest : norm_ == "l2" ? std::sqrt(error) : error;
}

std::string CalibrationError::note() const {
  return std::isnan(result()) ? "nothing was seen yet" : "";
}

}  // namespace andiron::metrics
