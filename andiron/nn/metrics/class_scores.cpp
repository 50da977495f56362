#include "andiron/nn/metrics/class_scores.hpp"

#include <algorithm>
#include <limits>

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kNames[] = {"precision", "recall", "fbeta_score", "jaccard_score"};
constexpr const char* kAverages[] = {"none", "auto", "binary", "micro", "macro", "weighted"};

}  // namespace

ClassScore::ClassScore(Kind kind, Options options)
    : ClassTable(3, options.n_classes), kind_(kind), options_(std::move(options)) {
  const char* name = kNames[static_cast<int>(kind_)];
  if (!(options_.beta > 0.0)) fail("[{}] beta must be positive; got {}", name, options_.beta);
  if (std::none_of(std::begin(kAverages), std::end(kAverages),
                   [&](const char* a) { return options_.average == a; }))
    fail("[{}] average must be none, binary, micro, macro or weighted; got '{}'", name,
         options_.average);
  if (options_.threshold && !(*options_.threshold >= 0.0 && *options_.threshold <= 1.0))
    fail("[{}] threshold must be in [0, 1]; got {}", name, *options_.threshold);
}

std::string ClassScore::signature() const {
  return fmt::format("{}(beta={},average={},threshold={},classes={})",
                     kNames[static_cast<int>(kind_)], options_.beta, options_.average,
                     options_.threshold ? fmt::format("{}", *options_.threshold) : "none",
                     options_.n_classes);
}

void ClassScore::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const char* name = kNames[static_cast<int>(kind_)];
  const bool rows = y_pred.defined() && y_pred.rank() > 1 && y_pred.size(y_pred.rank() - 1) > 1;
  if (options_.threshold && rows) return add_labels(y_true, y_pred, weight);
  const ClassPairs batch(name, y_true, y_pred, weight, options_.n_classes,
                         options_.threshold.value_or(0.5));
  grow(batch.classes());
  for (const ClassPairs::Pair& pair : batch.pairs()) {
    if (pair.label == pair.predicted) at(kHits, pair.label) += pair.weight;
    at(kPredicted, pair.predicted) += pair.weight;
    at(kActual, pair.label) += pair.weight;
  }
}

void ClassScore::add_labels(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const char* name = kNames[static_cast<int>(kind_)];
  const Rows rows(name, y_true, y_pred, weight, true);
  const int64_t n = rows.classes();
  if (options_.n_classes > 0 && n != options_.n_classes)
    fail("[{}] y_pred must have {} classes; got {}", name, options_.n_classes, str(y_pred.sizes()));
  const double threshold = threshold_as(y_pred.dtype(), *options_.threshold);
  std::vector<double> sums(static_cast<size_t>(3 * n), 0.0);
  rows.for_each_row([&](int64_t row, auto t, auto p, double w) {
    for (size_t c = 0; c < p.size(); ++c) {
      if (t[c] != 0.0 && t[c] != 1.0)
        fail("[{}] row {}: a label must be 0 or 1; got {}", name, row, t[c]);
      const bool predicted = p[c] > threshold, actual = t[c] == 1.0;
      double* at = sums.data() + 3 * c;
      if (predicted && actual) at[kHits] += w;
      if (predicted) at[kPredicted] += w;
      if (actual) at[kActual] += w;
    }
  });
  grow(n);
  for (int64_t c = 0; c < n; ++c)
    for (int64_t r = 0; r < 3; ++r) at(r, c) += sums[static_cast<size_t>(3 * c + r)];
}

double ClassScore::figure(double hits, double predicted, double actual) const {
  const double square = options_.beta * options_.beta;
  double above = hits, below = predicted;
  if (kind_ == Kind::recall) below = actual;
  if (kind_ == Kind::jaccard) below = predicted + actual - hits;
  if (kind_ == Kind::f_beta) {
    above = (1.0 + square) * hits;
    below = predicted + square * actual;
  }
  return below == 0.0 ? 0.0 : above / below;
}

double ClassScore::result() const {
  if (options_.average == "none" || classes() == 0) return kNaN;
  if (options_.average == "binary" || (options_.average == "auto" && classes() == 2))
    return classes() > 1 ? figure_of(1) : 0.0;
  if (options_.average == "micro")
    return figure(row_sum(kHits), row_sum(kPredicted), row_sum(kActual));
  const bool weighted = options_.average == "weighted";
  double sum = 0.0, shares = 0.0;
  for (int64_t c = 0; c < classes(); ++c) {
    const double share = weighted ? at(kActual, c) : 1.0;
    sum += share * figure_of(c);
    shares += share;
  }
  return shares == 0.0 ? 0.0 : sum / shares;
}

std::string ClassScore::note() const {
  if (classes() == 0) return "nothing was seen yet";
  return options_.average == "none" ? "there is one figure a class: give an average" : "";
}

Tensor ClassScore::values() const {
  if (options_.average != "none") return ClassTable::values();
  Tensor out(DType::f64, {classes()});
  for (int64_t c = 0; c < classes(); ++c) out.data<double>()[c] = figure_of(c);
  return out;
}

}  // namespace andiron::metrics
