#include <algorithm>
#include <cmath>
#include <numeric>

#include "andiron/nn/metrics/columns.hpp"
#include "andiron/nn/metrics/means.hpp"

namespace andiron::metrics {

namespace {

double smoothing(const char* metric, double s) {
  if (!(s >= 0.0 && s <= 1.0)) fail("[{}] label_smoothing must be in [0, 1]; got {}", metric, s);
  return s;
}

std::string smoothed(double s) {
  return s == 0.0 ? std::string() : fmt::format(",label_smoothing={}", s);
}

}  // namespace

BinaryCrossentropy::BinaryCrossentropy(bool from_logits, double epsilon, double label_smoothing)
    : from_logits_(from_logits),
      epsilon_(epsilon),
      label_smoothing_(smoothing("binary_crossentropy", label_smoothing)) {}

std::string BinaryCrossentropy::signature() const {
  return fmt::format("binary_crossentropy(from_logits={},epsilon={}{})", from_logits_, epsilon_,
                     smoothed(label_smoothing_));
}

void BinaryCrossentropy::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Columns columns("binary_crossentropy", y_true, y_pred, weight);
  columns.for_each_piece([&](int64_t, auto t, auto p, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      const double y = t[i] * (1.0 - label_smoothing_) + 0.5 * label_smoothing_;
      double loss;
      if (from_logits_) {
        // log(1 + exp(x)) - t x, without overflow
        loss = std::max(p[i], 0.0) - p[i] * y + std::log1p(std::exp(-std::abs(p[i])));
      } else {
        const double q = std::clamp(p[i], epsilon_, 1.0 - epsilon_);
        loss = -(y * std::log(q) + (1.0 - y) * std::log1p(-q));
      }
      sums_[0] += w[i] * loss;
      sums_[1] += w[i];
    }
  });
}

CategoricalCrossentropy::CategoricalCrossentropy(bool sparse, bool from_logits, double epsilon,
                                                 double label_smoothing)
    : sparse_(sparse),
      from_logits_(from_logits),
      epsilon_(epsilon),
      label_smoothing_(smoothing("categorical_crossentropy", label_smoothing)) {}

std::string CategoricalCrossentropy::signature() const {
  return fmt::format("{}categorical_crossentropy(from_logits={},epsilon={}{})",
                     sparse_ ? "sparse_" : "", from_logits_, epsilon_, smoothed(label_smoothing_));
}

void CategoricalCrossentropy::update(const Tensor& y_true, const Tensor& y_pred,
                                     const Tensor& weight) {
  const char* name = sparse_ ? "sparse_categorical_crossentropy" : "categorical_crossentropy";
  const Rows rows(name, y_true, y_pred, weight, !sparse_);
  rows.for_each_row([&](int64_t, auto t, auto p, double w) {
    double normalizer;  // log of the sum
    const double largest = *std::max_element(p.begin(), p.end());
    if (from_logits_) {
      double sum = 0.0;
      for (double x : p) sum += std::exp(x - largest);
      normalizer = largest + std::log(sum);
    } else {
      normalizer = std::accumulate(p.begin(), p.end(), 0.0);
    }
    auto log_probability = [&](size_t c) {
      return from_logits_ ? p[c] - normalizer
                          : std::log(std::clamp(p[c] / normalizer, epsilon_, 1.0 - epsilon_));
    };
    double loss = 0.0;
    if (sparse_) {
      loss = -log_probability(static_cast<size_t>(t[0]));
    } else {
      const double share = label_smoothing_ / static_cast<double>(p.size());
      for (size_t c = 0; c < p.size(); ++c) {
        const double y = t[c] * (1.0 - label_smoothing_) + share;
        if (y != 0.0) loss -= y * log_probability(c);
      }
    }
    sums_[0] += w * loss;
    sums_[1] += w;
  });
}

}  // namespace andiron::metrics
