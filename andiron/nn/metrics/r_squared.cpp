#include "andiron/nn/metrics/r_squared.hpp"

#include <cmath>
#include <limits>

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
}

RSquared::RSquared(Options options) : options_(std::move(options)) {
  if (options_.aggregation != "uniform_average" &&
      options_.aggregation != "variance_weighted_average" && options_.aggregation != "none")
    fail(
        "[r2_score] class_aggregation must be uniform_average, variance_weighted_average or None; "
        "got '{}'",
        options_.aggregation);
  if (options_.n_regressors < 0)
    fail("[r2_score] num_regressors must not be negative; got {}", options_.n_regressors);
}

std::string RSquared::signature() const {
  return fmt::format("r2_score(aggregation={},regressors={})", options_.aggregation,
                     options_.n_regressors);
}

void RSquared::Column::add(const Column& other) {
  if (other.weight == 0.0) return;
  const double total = weight + other.weight, apart = other.mean - mean;
  mean += apart * other.weight / total;
  squares += other.squares + apart * apart * weight * other.weight / total;
  errors += other.errors;
  weight = total;
}

void RSquared::merge(const std::vector<Column>& columns, double n) {
  if (columns.empty()) return;
  if (columns_.empty()) columns_.resize(columns.size());
  if (columns.size() != columns_.size())
    fail("[r2_score] y_pred has {} columns; before it had {}", columns.size(), columns_.size());
  for (size_t c = 0; c < columns.size(); ++c) columns_[c].add(columns[c]);
  n_ += n;
}

void RSquared::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Columns data("r2_score", y_true, y_pred, weight);
  const int64_t width = y_pred.rank() < 2 ? 1 : y_pred.size(y_pred.rank() - 1);
  if (width == 0 || data.count() == 0) return;
  std::vector<Column> batch(static_cast<size_t>(width));
  data.for_each_piece([&](int64_t first, auto t, auto p, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      Column& c = batch[static_cast<size_t>((first + static_cast<int64_t>(i)) % width)];
      const double e = t[i] - p[i];
      c.add({w[i], t[i], 0.0, w[i] * e * e});
    }
  });
  merge(batch, static_cast<double>(data.count() / width));
}

std::vector<double> RSquared::by_column() const {
  std::vector<double> out;
  for (const Column& c : columns_) {
    double r = c.squares != 0.0 ? 1.0 - c.errors / c.squares : c.errors == 0.0 ? 1.0 : 0.0;
    const double rest = n_ - static_cast<double>(options_.n_regressors) - 1.0;
    if (options_.n_regressors > 0) r = rest > 0.0 ? 1.0 - (1.0 - r) * (n_ - 1.0) / rest : kNaN;
    out.push_back(n_ < 2.0 ? kNaN : r);
  }
  return out;
}

double RSquared::result() const {
  if (columns_.empty() || options_.aggregation == "none") return kNaN;
  const std::vector<double> figures = by_column();
  const bool weighted = options_.aggregation != "uniform_average";
  double variances = 0.0, sum = 0.0, shares = 0.0;
  for (const Column& c : columns_) variances += c.squares;
  for (size_t c = 0; c < figures.size(); ++c) {
    const double share = weighted && variances > 0.0 ? columns_[c].squares : 1.0;
    sum += share * figures[c];
    shares += share;
  }
  return sum / shares;
}

std::string RSquared::note() const {
  if (n_ < 2.0) return "it needs at least two samples";
  if (!std::isnan(result())) return "";
  return options_.aggregation == "none" ? "there is one figure a column: give a class_aggregation"
                                        : "there are not more samples than regressors";
}

Tensor RSquared::values() const {
  if (options_.aggregation != "none") return Metric::values();
  return Tensor::from(by_column(), {static_cast<int64_t>(columns_.size())});
}

void RSquared::reset() {
  columns_.clear();
  n_ = 0.0;
}

std::map<std::string, Tensor> RSquared::state() const {
  const auto width = static_cast<int64_t>(columns_.size());
  Tensor table(DType::f64, {width, kFields});
  for (int64_t c = 0; c < width; ++c) {
    const Column& from = columns_[static_cast<size_t>(c)];
    double* to = table.data<double>() + c * kFields;
    to[0] = from.weight;
    to[1] = from.mean;
    to[2] = from.squares;
    to[3] = from.errors;
  }
  return {{"columns", table}, {"samples", Tensor::from<double>({n_}, {1})}};
}

std::vector<RSquared::Column> RSquared::columns_in(const std::map<std::string, Tensor>& state,
                                                   double& n) const {
  const auto table = state.find("columns"), samples = state.find("samples");
  if (table == state.end() || samples == state.end() || table->second.dtype() != DType::f64 ||
      table->second.rank() != 2 || table->second.size(1) != kFields || !table->second.dense() ||
      samples->second.dtype() != DType::f64 || samples->second.count() != 1)
    fail("[metric] this is not the state of {}", signature());
  n = samples->second.item(0);
  std::vector<Column> columns;
  for (int64_t c = 0; c < table->second.size(0); ++c) {
    const double* from = table->second.data<double>() + c * kFields;
    columns.push_back({from[0], from[1], from[2], from[3]});
  }
  return columns;
}

void RSquared::merge_state(const std::map<std::string, Tensor>& state) {
  double n = 0.0;
  const std::vector<Column> columns = columns_in(state, n);
  merge(columns, n);
}

void RSquared::restore(const std::map<std::string, Tensor>& state) {
  double n = 0.0;
  columns_ = columns_in(state, n);
  n_ = n;
}

}  // namespace andiron::metrics
