#include "andiron/nn/metrics/confusion.hpp"

#include <cmath>
#include <limits>

#include "andiron/base/error.hpp"

namespace andiron::metrics {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double ratio(double a, double b) { return b == 0.0 ? 0.0 : a / b; }

}  // namespace

Confusion::Confusion(std::string name, const Options& options)
    : ClassTable(0, options.n_classes), name_(std::move(name)), options_(options) {}

std::string Confusion::settings() const {
  return fmt::format("classes={},threshold={}", options_.n_classes, options_.threshold);
}

void Confusion::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const ClassPairs batch(name_, y_true, y_pred, weight, options_.n_classes, options_.threshold,
                         ignored_);
  grow(batch.classes());
  for (const ClassPairs::Pair& pair : batch.pairs()) at(pair.label, pair.predicted) += pair.weight;
}

ConfusionMatrix::ConfusionMatrix(const Options& options, std::string normalize)
    : Confusion("confusion_matrix", options), normalize_(std::move(normalize)) {
  if (!normalize_.empty() && normalize_ != "true" && normalize_ != "pred" && normalize_ != "all")
    fail("[confusion_matrix] normalize must be true, pred or all; got '{}'", normalize_);
}

std::string ConfusionMatrix::signature() const {
  return fmt::format("confusion_matrix({},normalize={})", settings(), normalize_);
}

double ConfusionMatrix::result() const { return kNaN; }

Tensor ConfusionMatrix::values() const {
  Tensor out(DType::f64, {classes(), classes()});
  const double all = total();
  for (int64_t r = 0; r < classes(); ++r)
    for (int64_t c = 0; c < classes(); ++c) {
      double& to = out.data<double>()[r * classes() + c];
      to = at(r, c);
      if (normalize_ == "true") to = ratio(to, row_sum(r));
      if (normalize_ == "pred") to = ratio(to, column_sum(c));
      if (normalize_ == "all") to = ratio(to, all);
    }
  return out;
}

BalancedAccuracy::BalancedAccuracy(const Options& options, bool adjusted)
    : Confusion("balanced_accuracy", options), adjusted_(adjusted) {}

std::string BalancedAccuracy::signature() const {
  return fmt::format("balanced_accuracy({},adjusted={})", settings(), adjusted_);
}

double BalancedAccuracy::result() const {
  double recalls = 0.0, n = 0.0;
  for (int64_t c = 0; c < classes(); ++c) {
    const double labels = row_sum(c);
    if (labels == 0.0) continue;
    recalls += at(c, c) / labels;
    n += 1.0;
  }
  if (n == 0.0) return kNaN;
  const double chance = 1.0 / n;
  return adjusted_ ? (recalls / n - chance) / (1.0 - chance) : recalls / n;
}

CohenKappa::CohenKappa(const Options& options, std::string weights)
    : Confusion("cohen_kappa", options), weights_(std::move(weights)) {
  if (!weights_.empty() && weights_ != "linear" && weights_ != "quadratic")
    fail("[cohen_kappa] weights must be linear or quadratic; got '{}'", weights_);
}

std::string CohenKappa::signature() const {
  return fmt::format("cohen_kappa({},weights={})", settings(), weights_);
}

double CohenKappa::result() const {
  std::vector<double> labels, predictions;
  for (int64_t c = 0; c < classes(); ++c) {
    labels.push_back(row_sum(c));
    predictions.push_back(column_sum(c));
  }
  const double all = total();
  double seen = 0.0, chance = 0.0;
  for (int64_t r = 0; r < classes(); ++r)
    for (int64_t c = 0; c < classes(); ++c) {
      const auto apart = static_cast<double>(std::abs(r - c));
      const double cost = weights_ == "linear"      ? apart
                          : weights_ == "quadratic" ? apart * apart
                                                    : (r == c ? 0.0 : 1.0);
      seen += cost * at(r, c);
      chance += cost * labels[static_cast<size_t>(r)] * predictions[static_cast<size_t>(c)] / all;
    }
  return chance > 0.0 ? 1.0 - seen / chance : kNaN;
}

MatthewsCorrelation::MatthewsCorrelation(const Options& options)
    : Confusion("matthews_correlation", options) {}

std::string MatthewsCorrelation::signature() const {
  return fmt::format("matthews_correlation({})", settings());
}

double MatthewsCorrelation::result() const {
  const double all = total();
  if (all == 0.0) return kNaN;
  double right = 0.0, both = 0.0, labels = 0.0, predictions = 0.0;
  for (int64_t c = 0; c < classes(); ++c) {
    const double t = row_sum(c), p = column_sum(c);
    right += at(c, c);
    both += t * p;
    labels += t * t;
    predictions += p * p;
  }
  return ratio(right * all - both,
               std::sqrt(all * all - predictions) * std::sqrt(all * all - labels));
}

IoU::IoU(const Options& options, std::vector<int64_t> targets, std::optional<int64_t> ignored)
    : Confusion("iou", options), targets_(std::move(targets)) {
  ignored_ = ignored;
  for (int64_t c : targets_)
    if (c < 0 || (options.n_classes > 0 && c >= options.n_classes))
      fail("[iou] target class {} is not in [0, {})", c, options.n_classes);
}

std::string IoU::signature() const {
  return fmt::format("iou({},targets=[{}],ignored={})", settings(), fmt::join(targets_, ","),
                     ignored_ ? fmt::format("{}", *ignored_) : "none");
}

double IoU::result() const {
  double sum = 0.0, n = 0.0;
  auto add = [&](int64_t c) {
    if (c >= classes()) return;
    const double either = row_sum(c) + column_sum(c) - at(c, c);
    if (either == 0.0) return;
    sum += at(c, c) / either;
    n += 1.0;
  };
  for (int64_t c : targets_) add(c);
  for (int64_t c = 0; targets_.empty() && c < classes(); ++c) add(c);
  return n == 0.0 ? kNaN : sum / n;
}

}  // namespace andiron::metrics
