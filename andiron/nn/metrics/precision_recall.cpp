#include "andiron/nn/metrics/precision_recall.hpp"

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

namespace {

// Column `column` of the last axis, as [rows].
Tensor column_of(std::string_view metric, const char* what, const Tensor& t, int64_t column) {
  const int64_t width = t.rank() < 2 ? 0 : t.size(t.rank() - 1);
  if (column >= width)
    fail("[{}] class_id={} is not among the {} classes of {} {}", metric, column, width, what,
         str(t.sizes()));
  const Tensor dense = t.contiguous();
  Tensor out(DType::f64, {dense.count() / width});
  for (int64_t i = 0; i < out.count(); ++i)
    read_doubles(dense, i * width + column, {out.data<double>() + i, 1});
  return out;
}

}  // namespace

ThresholdMetric::ThresholdMetric(std::string name, bool of_predicted,
                                 std::vector<double> thresholds, int64_t class_id)
    : SumsMetric(2 * thresholds.size()),
      name_(std::move(name)),
      of_predicted_(of_predicted),
      thresholds_(std::move(thresholds)),
      class_id_(class_id) {
  if (class_id < -1) fail("[{}] class_id must not be negative; got {}", name_, class_id);
  if (thresholds_.empty()) fail("[{}] needs at least one threshold", name_);
  for (double t : thresholds_)
    if (!(t >= 0.0 && t <= 1.0)) fail("[{}] thresholds must be in [0, 1]; got {}", name_, t);
}

std::string ThresholdMetric::signature() const {
  std::string text = name_ + "(thresholds=[";
  for (size_t i = 0; i < thresholds_.size(); ++i)
    text += fmt::format("{}{}", i ? "," : "", thresholds_[i]);
  if (class_id_ >= 0) return text + fmt::format("],class_id={})", class_id_);
  return text + "])";
}

void ThresholdMetric::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const bool one = class_id_ >= 0;
  const Columns columns(name_, one ? column_of(name_, "y_true", y_true, class_id_) : y_true,
                        one ? column_of(name_, "y_pred", y_pred, class_id_) : y_pred, weight);
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
