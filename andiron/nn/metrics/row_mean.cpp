#include "andiron/nn/metrics/row_mean.hpp"

#include <cmath>
#include <numeric>

namespace andiron::metrics {

namespace {

using Row = RowMean::Row;
constexpr double kEpsilon = 1e-7;  // Keras's

double dot(Row a, Row b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

struct Spread {
  double mean_t, mean_p, var_t, var_p, covariance;

  Spread(Row t, Row p) {
    const auto n = static_cast<double>(t.size());
    mean_t = std::accumulate(t.begin(), t.end(), 0.0) / n;
    mean_p = std::accumulate(p.begin(), p.end(), 0.0) / n;
    var_t = var_p = covariance = 0.0;
    for (size_t i = 0; i < t.size(); ++i) {
      const double a = t[i] - mean_t, b = p[i] - mean_p;
      var_t += a * a / n;
      var_p += b * b / n;
      covariance += a * b / n;
    }
  }
};

double categorical_hinge(Row t, Row p, int64_t) {
  double wrong = (1.0 - t[0]) * p[0];
  for (size_t c = 1; c < p.size(); ++c) wrong = std::max(wrong, (1.0 - t[c]) * p[c]);
  return std::max(wrong - dot(t, p) + 1.0, 0.0);
}

double concordance(Row t, Row p, int64_t) {
  const Spread s(t, p);
  const double apart = s.mean_t - s.mean_p;
  return 2.0 * s.covariance / (s.var_t + s.var_p + apart * apart);
}

double cosine(Row t, Row p, int64_t) {
  const double sizes = std::sqrt(dot(t, t)) * std::sqrt(dot(p, p));
  return sizes == 0.0 ? 0.0 : dot(t, p) / sizes;
}

double kl_divergence(Row t, Row p, int64_t) {
  double sum = 0.0;
  for (size_t c = 0; c < p.size(); ++c) {
    const double y = std::clamp(t[c], kEpsilon, 1.0);
    sum += y * std::log(y / std::clamp(p[c], kEpsilon, 1.0));
  }
  return sum;
}

double pearson(Row t, Row p, int64_t) {
  const Spread s(t, p);
  return s.covariance / std::sqrt(s.var_t * s.var_p);
}

double top_k(Row t, Row p, int64_t k) {
  const auto label = t.size() == 1 && p.size() > 1
                         ? static_cast<size_t>(t[0])
                         : static_cast<size_t>(std::max_element(t.begin(), t.end()) - t.begin());
  if (std::isnan(p[label])) return 0.0;
  return std::count_if(p.begin(), p.end(), [&](double s) { return s > p[label]; }) < k ? 1.0 : 0.0;
}

constexpr RowMean::Figure kFigures[] = {
    {"categorical_hinge", categorical_hinge, false},
    {"concordance_correlation", concordance, false},
    {"cosine_similarity", cosine, false},
    {"kl_divergence", kl_divergence, false},
    {"pearson_correlation", pearson, false},
    {"top_k_categorical_accuracy", top_k, true},
};

}  // namespace

RowMean::RowMean(std::string_view name, bool sparse, int64_t k)
    : figure_(std::find_if(std::begin(kFigures), std::end(kFigures),
                           [&](const Figure& f) { return name == f.name; })),
      sparse_(sparse),
      k_(k) {
  if (figure_ == std::end(kFigures)) fail("[metric] there is no figure '{}'", name);
  if (sparse && !figure_->takes_ids) fail("[{}] takes no class ids", name);
  if (k < 1) fail("[{}] k must be at least 1; got {}", name, k);
}

std::string RowMean::signature() const {
  return fmt::format("{}{}{}", sparse_ ? "sparse_" : "", figure_->name,
                     figure_->value == top_k ? fmt::format("(k={})", k_) : std::string());
}

void RowMean::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Rows rows(figure_->name, y_true, y_pred, weight, !sparse_);
  rows.for_each_row([&](int64_t, auto t, auto p, double w) {
    sums_[0] += w * figure_->value(t, p, k_);
    sums_[1] += w;
  });
}

}  // namespace andiron::metrics
