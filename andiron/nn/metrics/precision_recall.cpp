#include "andiron/nn/metrics/precision_recall.hpp"

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

ThresholdMetric::ThresholdMetric(std::string name, bool of_predicted,
                                 std::vector<double> thresholds)
    : SumsMetric(2 * thresholds.size()),
      name_(std::move(name)),
      of_predicted_(of_predicted),
      thresholds_(std::move(thresholds)) {
  if (thresholds_.empty()) fail("[{}] needs at least one threshold", name_);
  for (double t : thresholds_)
    if (!(t >= 0.0 && t <= 1.0)) fail("[{}] thresholds must be in [0, 1]; got {}", name_, t);
}

std::string ThresholdMetric::signature() const {
  std::string text = name_ + "(thresholds=[";
  for (size_t i = 0; i < thresholds_.size(); ++i)
    text += fmt::format("{}{}", i ? "," : "", thresholds_[i]);
  return text + "])";
}

void ThresholdMetric::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Columns columns(name_, y_true, y_pred, weight);
  std::vector<double> sums = sums_;
  columns.for_each_piece([&](int64_t first, auto t, auto p, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      if (t[i] != 0.0 && t[i] != 1.0)
        fail("[{}] row {}: a label must be 0 or 1; got {}", name_, first + static_cast<int64_t>(i),
             t[i]);
      for (size_t k = 0; k < thresholds_.size(); ++k) {
        const bool predicted = p[i] > thresholds_[k];
        if (predicted && t[i] == 1.0) sums[2 * k] += w[i];
        if (of_predicted_ ? predicted : t[i] == 1.0) sums[2 * k + 1] += w[i];
      }
    }
  });
  sums_ = std::move(sums);
}

std::vector<double> ThresholdMetric::results() const {
  std::vector<double> out;
  for (size_t k = 0; k < thresholds_.size(); ++k)
    out.push_back(sums_[2 * k + 1] == 0.0 ? 0.0 : sums_[2 * k] / sums_[2 * k + 1]);
  return out;
}

}  // namespace andiron::metrics
