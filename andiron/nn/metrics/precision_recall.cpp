#include "andiron/nn/metrics/precision_recall.hpp"

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

namespace {

void check_thresholds(std::string_view metric, const std::vector<double>& thresholds) {
  if (thresholds.empty()) fail("[{}] needs at least one threshold", metric);
  for (double t : thresholds)
    if (!(t >= 0.0 && t <= 1.0)) fail("[{}] thresholds must be in [0, 1]; got {}", metric, t);
}

void require_binary(std::string_view metric, int64_t row, double label) {
  if (label != 0.0 && label != 1.0)
    fail("[{}] row {}: a label must be 0 or 1; got {}", metric, row, label);
}

constexpr const char* kCells[] = {"true_positives", "true_negatives", "false_positives",
                                  "false_negatives"};

}  // namespace

Tensor values_of(const std::vector<double>& figures) {
  if (figures.size() == 1) return Tensor::from(figures, {});
  return Tensor::from(figures, {static_cast<int64_t>(figures.size())});
}

ThresholdMetric::ThresholdMetric(std::string name, bool of_predicted,
                                 std::vector<double> thresholds, int64_t class_id)
    : SumsMetric(2 * thresholds.size()),
      name_(std::move(name)),
      of_predicted_(of_predicted),
      thresholds_(std::move(thresholds)),
      class_id_(class_id) {
  if (class_id < -1) fail("[{}] class_id must not be negative; got {}", name_, class_id);
  check_thresholds(name_, thresholds_);
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
  std::vector<double> sums = sums_, thresholds = thresholds_;
  for (double& t : thresholds) t = threshold_as(y_pred.dtype(), t);
  columns.for_each_piece([&](int64_t first, auto t, auto p, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      require_binary(name_, first + static_cast<int64_t>(i), t[i]);
      for (size_t k = 0; k < thresholds_.size(); ++k) {
        const bool predicted = p[i] > thresholds[k];
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

CellCount::CellCount(Cell cell, std::vector<double> thresholds)
    : SumsMetric(thresholds.size()), cell_(cell), thresholds_(std::move(thresholds)) {
  check_thresholds(kCells[static_cast<int>(cell_)], thresholds_);
}

std::string CellCount::signature() const {
  return fmt::format("{}(thresholds=[{}])", kCells[static_cast<int>(cell_)],
                     fmt::join(thresholds_, ","));
}

void CellCount::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const char* name = kCells[static_cast<int>(cell_)];
  const bool wanted = cell_ == Cell::true_positives || cell_ == Cell::false_positives;
  const bool right = cell_ == Cell::true_positives || cell_ == Cell::true_negatives;
  const Columns columns(name, y_true, y_pred, weight);
  std::vector<double> sums = sums_, thresholds = thresholds_;
  for (double& t : thresholds) t = threshold_as(y_pred.dtype(), t);
  columns.for_each_piece([&](int64_t first, auto t, auto p, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      require_binary(name, first + static_cast<int64_t>(i), t[i]);
      for (size_t k = 0; k < thresholds_.size(); ++k) {
        const bool predicted = p[i] > thresholds[k];
        if (predicted == wanted && (predicted == (t[i] == 1.0)) == right) sums[k] += w[i];
      }
    }
  });
  sums_ = std::move(sums);
}

}  // namespace andiron::metrics
