#include "andiron/nn/metrics/element_mean.hpp"

#include <cmath>

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's

double hinge(double t, double p) { return std::max(1.0 - (t == 0.0 ? -1.0 : t) * p, 0.0); }
bool is_sign(double t) { return t == 1.0 || t == 0.0 || t == -1.0; }

constexpr ElementMean::Formula kFormulas[] = {
    {"hinge", [](double t, double p, double) { return hinge(t, p); }, is_sign, false},
    {"huber",
     [](double t, double p, double delta) {
       const double size = std::abs(p - t);
       return size <= delta ? 0.5 * size * size : delta * size - 0.5 * delta * delta;
     },
     nullptr, true},
    {"log_cosh",
     [](double t, double p, double) {
       const double size = std::abs(p - t);
       if (size < 1.0) return -0.5 * std::log1p(-std::tanh(size) * std::tanh(size));
       return size + std::log1p(std::exp(-2.0 * size)) - std::log(2.0);
     },
     nullptr, false},
    {"mean_absolute_percentage_error",
     [](double t, double p, double) {
       return 100.0 * std::abs(p - t) / std::max(std::abs(t), kEpsilon);
     },
     nullptr, false},
    {"mean_pinball_loss",
     [](double t, double p, double q) { return std::max(q * (t - p), (q - 1.0) * (t - p)); },
     nullptr, true},
    {"mean_squared_logarithmic_error",
     [](double t, double p, double) {
       const double e = std::log1p(std::max(p, kEpsilon)) - std::log1p(std::max(t, kEpsilon));
       return e * e;
     },
     nullptr, false},
    {"poisson", [](double t, double p, double) { return p - t * std::log(p + kEpsilon); }, nullptr,
     false},
    {"squared_hinge",
     [](double t, double p, double) {
       const double h = hinge(t, p);
       return h * h;
     },
     is_sign, false},
    {"symmetric_mean_absolute_percentage_error",
     [](double t, double p, double) {
       const double size = std::abs(t) + std::abs(p);
       return size == 0.0 ? 0.0 : 200.0 * std::abs(p - t) / size;
     },
     nullptr, false},
};

}  // namespace

ElementMean::ElementMean(std::string_view name, double parameter)
    : formula_(std::find_if(std::begin(kFormulas), std::end(kFormulas),
                            [&](const Formula& f) { return name == f.name; })),
      parameter_(parameter) {
  if (formula_ == std::end(kFormulas)) fail("[metric] there is no formula '{}'", name);
  if (name == "huber" && !(parameter > 0.0))
    fail("[huber] delta must be positive; got {}", parameter);
  if (name == "mean_pinball_loss" && !(parameter > 0.0 && parameter < 1.0))
    fail("[mean_pinball_loss] the quantile must lie between 0 and 1; got {}", parameter);
}

std::string ElementMean::signature() const {
  return formula_->takes_parameter ? fmt::format("{}({})", formula_->name, parameter_)
                                   : std::string(formula_->name);
}

void ElementMean::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Columns columns(formula_->name, y_true, y_pred, weight);
  std::vector<double> sums = sums_;
  columns.for_each_piece([&](int64_t first, auto t, auto p, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      if (formula_->label_fits != nullptr && !formula_->label_fits(t[i]))
        fail("[{}] row {}: a label must be -1 (or 0) or 1; got {}", formula_->name,
             first + static_cast<int64_t>(i), t[i]);
      sums[0] += w[i] * formula_->value(t[i], p[i], parameter_);
      sums[1] += w[i];
    }
  });
  sums_ = std::move(sums);
}

MeanRelativeError::MeanRelativeError(std::vector<double> normalizer)
    : normalizer_(std::move(normalizer)) {
  if (normalizer_.empty()) fail("[mean_relative_error] needs a normalizer");
}

std::string MeanRelativeError::signature() const {
  return fmt::format("mean_relative_error([{}])", fmt::join(normalizer_, ","));
}

void MeanRelativeError::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Columns columns("mean_relative_error", y_true, y_pred, weight);
  const auto n = static_cast<int64_t>(normalizer_.size());
  const int64_t width = y_pred.rank() > 0 ? y_pred.size(y_pred.rank() - 1) : 1;
  if (n > 1 && width != n)
    fail("[mean_relative_error] there are {} normalizers for the last axis of y_pred {}", n,
         str(y_pred.sizes()));
  columns.for_each_piece([&](int64_t first, auto t, auto p, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      const double by = normalizer_[static_cast<size_t>((first + static_cast<int64_t>(i)) % n)];
      sums_[0] += by == 0.0 ? 0.0 : w[i] * std::abs(p[i] - t[i]) / by;
      sums_[1] += w[i];
    }
  });
}

}  // namespace andiron::metrics
