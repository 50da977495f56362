#include "andiron/nn/metrics/label_areas.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "andiron/nn/metrics/columns.hpp"

namespace andiron::metrics {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kMostLabels = 1 << 20;

// "12/scores" is label 12's "scores".
std::vector<std::map<std::string, Tensor>> by_label(const std::map<std::string, Tensor>& state,
                                                    const std::string& signature) {
  std::vector<std::map<std::string, Tensor>> labels;
  for (const auto& [name, tensor] : state) {
    size_t label = 0;
    const char* end = name.data() + name.size();
    const auto [slash, error] = std::from_chars(name.data(), end, label);
    if (error != std::errc() || slash == end || *slash != '/' || label >= kMostLabels)
      fail("[metric] this is not the state of {}", signature);
    if (labels.size() <= label) labels.resize(label + 1);
    labels[label][std::string(slash + 1, end)] = tensor;
  }
  return labels;
}

}  // namespace

LabelAreas::LabelAreas(Options options) : options_(std::move(options)) {
  if (options_.average != "macro" && options_.average != "weighted" && options_.average != "none")
    fail("[auc] average must be macro, weighted or None; got '{}'", options_.average);
  if (options_.n_labels < 0 || options_.n_labels > kMostLabels)
    fail("[auc] num_labels must be in [0, {}]; got {}", kMostLabels, options_.n_labels);
  const auto n = static_cast<int64_t>(options_.label_weights.size());
  if (n > 0 && options_.average != "macro")
    fail("[auc] label_weights go with the average macro; got '{}'", options_.average);
  if (n > 0 && options_.n_labels > 0 && n != options_.n_labels)
    fail("[auc] there are {} label_weights for {} labels", n, options_.n_labels);
  if (n > 0) options_.n_labels = n;
}

std::string LabelAreas::signature() const {
  return fmt::format("label_{}(average={},weights=[{}])",
                     AreaUnderCurve(options_.curve).signature(), options_.average,
                     fmt::join(options_.label_weights, ","));
}

void LabelAreas::make_room(int64_t labels) {
  const auto have = static_cast<int64_t>(areas_.size());
  const int64_t wanted = have > 0 ? have : options_.n_labels > 0 ? options_.n_labels : labels;
  if (labels != wanted) fail("[auc] y_pred must have {} labels; got {}", wanted, labels);
  if (have == 0) areas_.assign(static_cast<size_t>(labels), AreaUnderCurve(options_.curve));
}

void LabelAreas::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const bool one_hot = y_true.defined() && y_pred.defined() && y_true.count() == y_pred.count();
  const Rows rows("auc", y_true, y_pred, weight, one_hot);
  const auto n = static_cast<size_t>(rows.classes());
  std::vector<Tensor> labels, scores;
  for (size_t c = 0; c < n; ++c) {
    labels.emplace_back(DType::u8, Sizes{rows.count()});
    scores.emplace_back(y_pred.dtype() == DType::f32 ? DType::f32 : DType::f64,
                        Sizes{rows.count()});
  }
  rows.for_each_row([&](int64_t row, auto t, auto p, double w) {
    if (!(w >= 0.0) || std::isinf(w))
      fail("[auc] row {}: a weight must be finite and not negative; got {}", row, w);
    for (size_t c = 0; c < n; ++c) {
      const double label = one_hot ? t[c] : (t[0] == static_cast<double>(c) ? 1.0 : 0.0);
      if (label != 0.0 && label != 1.0)
        fail("[auc] row {}: a label must be 0 or 1; got {}", row, label);
      labels[c].data<uint8_t>()[row] = label == 1.0 ? 1 : 0;
      if (scores[c].dtype() == DType::f32) {
        scores[c].data<float>()[row] = static_cast<float>(p[c]);
      } else {
        scores[c].data<double>()[row] = p[c];
      }
    }
  });
  make_room(rows.classes());
  for (size_t c = 0; c < n; ++c) areas_[c].update(labels[c], scores[c], weight);
}

double LabelAreas::result() const {
  if (areas_.empty() || options_.average == "none") return kNaN;
  double sum = 0.0, shares = 0.0;
  for (size_t c = 0; c < areas_.size(); ++c) {
    double share = options_.label_weights.empty() ? 1.0 : options_.label_weights[c];
    if (options_.average == "weighted") share = areas_[c].positives();
    sum += share * areas_[c].result();
    shares += share;
  }
  return sum / shares;
}

std::string LabelAreas::note() const {
  if (areas_.empty()) return "nothing was seen yet";
  for (size_t c = 0; c < areas_.size(); ++c) {
    const std::string note = areas_[c].note();
    if (!note.empty()) return fmt::format("label {}: {}", c, note);
  }
  return options_.average == "none" ? "there is one figure a label: give an average" : "";
}

Tensor LabelAreas::values() const {
  if (options_.average != "none") return Metric::values();
  std::vector<double> out;
  for (const AreaUnderCurve& a : areas_) out.push_back(a.result());
  return Tensor::from(out, {static_cast<int64_t>(out.size())});
}

void LabelAreas::reset() { areas_.clear(); }

void LabelAreas::merge_state(const std::map<std::string, Tensor>& state) {
  const auto labels = by_label(state, signature());
  if (labels.empty()) return;
  std::vector<AreaUnderCurve> merged = areas_;
  if (merged.empty()) merged.assign(labels.size(), AreaUnderCurve(options_.curve));
  if (merged.size() != labels.size()) fail("[metric] this is not the state of {}", signature());
  for (size_t c = 0; c < labels.size(); ++c) merged[c].merge_state(labels[c]);
  areas_ = std::move(merged);
}

std::map<std::string, Tensor> LabelAreas::state() const {
  std::map<std::string, Tensor> out;
  for (size_t c = 0; c < areas_.size(); ++c)
    for (const auto& [name, tensor] : areas_[c].state())
      out[fmt::format("{}/{}", c, name)] = tensor;
  return out;
}

void LabelAreas::restore(const std::map<std::string, Tensor>& state) {
  LabelAreas fresh(options_);
  fresh.merge_state(state);
  areas_ = std::move(fresh.areas_);
}

}  // namespace andiron::metrics
