#include "andiron/nn/metrics/area_under_curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "andiron/exec/plan.hpp"
#include "andiron/nn/metrics/columns.hpp"
#include "andiron/nn/metrics/score_order.hpp"
#include "andiron/nn/metrics/sorted_scores.hpp"

namespace andiron::metrics {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kCurves[] = {"auc",
                                   "auc",
                                   "sensitivity_at_specificity",
                                   "specificity_at_sensitivity",
                                   "precision_at_recall",
                                   "recall_at_precision"};
const char* const kLabels = "labels";
const char* const kScores = "scores";
const char* const kWeights = "weights";

// Walks the curve from the highest score down; each step is one distinct score.
class Sweep {
 public:
  using Curve = AreaUnderCurve::Curve;

  // The sums of weights of all positives and of all negatives.
  Sweep(Curve curve, double bound, double positives, double negatives)
      : curve_(curve), bound_(bound), positives_(positives), negatives_(negatives) {
    if (curve != Curve::roc && curve != Curve::precision_recall) look();
  }

  void step(double positive, double negative) {
    const double before = positive_;
    positive_ += positive;
    negative_ += negative;
    if (curve_ == Curve::roc) {
      result_ += negative * (before + positive_) / 2;  // the trapezoid
    } else if (curve_ == Curve::precision_recall) {
      if (positive > 0.0) result_ += positive * (positive_ / (positive_ + negative_));
    } else {
      look();
    }
  }

  double result() const {
    if (positives_ == 0.0) return kNaN;
    if (curve_ == Curve::precision_recall) return result_ / positives_;
    if (curve_ == Curve::precision_at_recall || curve_ == Curve::recall_at_precision)
      return result_;
    if (negatives_ == 0.0) return kNaN;
    return curve_ == Curve::roc ? result_ / positives_ / negatives_ : result_;
  }

 private:
  // The point where all scores so far are predicted positive.
  void look() {
    const double recall = positive_ / positives_, predicted = positive_ + negative_;
    const double specificity = (negatives_ - negative_) / negatives_;
    const double precision = predicted == 0.0 ? 0.0 : positive_ / predicted;
    double figure = recall, bounded = precision;
    if (curve_ == Curve::sensitivity_at_specificity) bounded = specificity;
    if (curve_ == Curve::precision_at_recall) std::swap(figure, bounded);
    if (curve_ == Curve::specificity_at_sensitivity) {
      figure = specificity;
      bounded = recall;
    }
    if (bounded >= bound_) result_ = std::max(result_, figure);
  }

  Curve curve_;
  double bound_, positives_, negatives_;
  double positive_ = 0.0, negative_ = 0.0, result_ = 0.0;
};

template <class Key>
struct Item {
  Key key;
  float sign;  // 1 for a positive, -1 for a negative
  double weight;
};

constexpr double kMostWeight = std::numeric_limits<double>::max();

[[noreturn]] void refuse_first(int64_t first, std::span<const double> t,
                               std::span<const double> w) {
  for (size_t i = 0; i < t.size(); ++i) {
    const int64_t row = first + static_cast<int64_t>(i);
    if (t[i] != 0.0 && t[i] != 1.0) fail("[auc] row {}: a label must be 0 or 1; got {}", row, t[i]);
    if (!(w[i] >= 0.0 && w[i] <= kMostWeight))
      fail("[auc] row {}: a weight must be finite and not negative; got {}", row, w[i]);
  }
  fail("[auc] a label or weight is not one");
}

}  // namespace

template <class T>
double AreaUnderCurve::area(const std::vector<T>& scores) const {
  using Key = decltype(descending_key(T()));
  bool nan = false;
  for (T s : scores) nan |= std::isnan(s);
  if (nan) return kNaN;
  if (weights_.empty()) {
    const SortedScores<T> sorted(scores, labels_,
                                 n_threads_ == 0 ? exec::default_threads() : n_threads_);
    const auto positives = static_cast<double>(sorted.positives());
    const auto negatives = static_cast<double>(sorted.negatives());
    if (positives > 0.0 && negatives > 0.0 && curve_ == Curve::roc)
      return sorted.pairs_in_order() / positives / negatives;
    if (positives > 0.0 && curve_ == Curve::precision_recall)
      return sorted.sum_of_precisions() / positives;
    Sweep sweep(curve_, bound_, positives, negatives);
    sorted.for_each_step([&](double p, double n) { sweep.step(p, n); });
    return sweep.result();
  }
  Sweep sweep(curve_, bound_, weight_of(1), weight_of(0));
  std::vector<Item<Key>> items;
  items.reserve(scores.size());
  for (size_t i = 0; i < scores.size(); ++i)
    if (weights_[i] != 0.0)
      items.push_back({descending_key(scores[i]), labels_[i] ? 1.0F : -1.0F, weights_[i]});
  radix_sort(items, [](const Item<Key>& item) { return item.key; });
  for (size_t i = 0; i < items.size();) {
    const Key key = items[i].key;
    double positive = 0.0, negative = 0.0;
    for (; i < items.size() && items[i].key == key; ++i)
      (items[i].sign > 0 ? positive : negative) += items[i].weight;
    sweep.step(positive, negative);
  }
  return sweep.result();
}

AreaUnderCurve::AreaUnderCurve(Curve curve, int n_threads, double bound, int64_t class_id)
    : curve_(curve), n_threads_(n_threads), bound_(bound), class_id_(class_id) {
  if (!(bound >= 0.0 && bound <= 1.0))
    fail("[{}] the bound must be in [0, 1]; got {}", kCurves[static_cast<int>(curve)], bound);
  if (class_id < -1) fail("[auc] class_id must not be negative; got {}", class_id);
}

std::string AreaUnderCurve::signature() const {
  const std::string id = class_id_ < 0 ? "" : fmt::format(",class_id={}", class_id_);
  if (curve_ == Curve::roc || curve_ == Curve::precision_recall)
    return fmt::format("auc(curve={}{})", curve_ == Curve::roc ? "ROC" : "PR", id);
  return fmt::format("{}({}{})", kCurves[static_cast<int>(curve_)], bound_, id);
}

double AreaUnderCurve::weight_of(uint8_t label) const {
  double sum = 0.0;
  for (size_t i = 0; i < labels_.size(); ++i)
    if (labels_[i] == label) sum += weights_.empty() ? 1.0 : weights_[i];
  return sum;
}

void AreaUnderCurve::widen() {
  if (std::exchange(wide_, true)) return;
  scores64_.assign(scores32_.begin(), scores32_.end());
  scores32_ = {};
}

void AreaUnderCurve::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  if (class_id_ >= 0 && y_true.defined() && y_pred.defined())
    return add(column_of("auc", "y_true", y_true, class_id_),
               column_of("auc", "y_pred", y_pred, class_id_), weight);
  add(y_true, y_pred, weight);
}

void AreaUnderCurve::add(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Columns columns("auc", y_true, y_pred, weight);
  columns.for_each_piece([&](int64_t first, auto t, auto, auto w) {
    int bad = 0;
    for (size_t i = 0; i < t.size(); ++i)
      bad += (t[i] != 0.0 && t[i] != 1.0) || !(w[i] >= 0.0 && w[i] <= kMostWeight);
    if (bad > 0) refuse_first(first, t, w);
  });
  if (y_pred.dtype() != DType::f32 && y_pred.dtype() != DType::bf16) widen();
  if (columns.weighted() && weights_.empty()) weights_.assign(labels_.size(), 1.0);
  const bool keep_weights = columns.weighted() || !weights_.empty();
  area_known_ = false;
  const size_t before = labels_.size(), after = before + static_cast<size_t>(columns.count());
  labels_.resize(after);
  if (wide_) {
    scores64_.resize(after);
  } else {
    scores32_.resize(after);
  }
  columns.for_each_piece([&](int64_t first, auto t, auto p, auto w) {
    const size_t at = before + static_cast<size_t>(first);
    for (size_t i = 0; i < t.size(); ++i) labels_[at + i] = t[i] != 0.0 ? 1 : 0;
    if (wide_) {
      std::copy(p.begin(), p.end(), scores64_.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      for (size_t i = 0; i < p.size(); ++i) scores32_[at + i] = static_cast<float>(p[i]);
    }
    if (keep_weights) weights_.insert(weights_.end(), w.begin(), w.end());
  });
}

double AreaUnderCurve::result() const {
  if (!area_known_) area_ = wide_ ? area(scores64_) : area(scores32_);
  area_known_ = true;
  return area_;
}

std::string AreaUnderCurve::note() const {
  if (!std::isnan(result())) return {};
  if (labels_.empty()) return "nothing was seen yet";
  bool nan = false;
  for (float s : scores32_) nan |= std::isnan(s);
  for (double s : scores64_) nan |= std::isnan(s);
  if (nan) return "a score is NaN";
  const bool positive = std::find(labels_.begin(), labels_.end(), 1) != labels_.end();
  return positive ? "only positives were seen: the area needs both classes"
                  : "only negatives were seen: the area needs positives";
}

void AreaUnderCurve::reset() { *this = AreaUnderCurve(curve_, n_threads_, bound_, class_id_); }

void AreaUnderCurve::merge_state(const std::map<std::string, Tensor>& state) {
  AreaUnderCurve copy(curve_, n_threads_, bound_, class_id_);
  copy.restore(state);
  if (copy.wide_) widen();
  if (wide_) {
    scores64_.insert(scores64_.end(), copy.scores32_.begin(), copy.scores32_.end());
    scores64_.insert(scores64_.end(), copy.scores64_.begin(), copy.scores64_.end());
  } else {
    scores32_.insert(scores32_.end(), copy.scores32_.begin(), copy.scores32_.end());
  }
  if (!weights_.empty() || !copy.weights_.empty()) {
    weights_.resize(labels_.size(), 1.0);
    weights_.insert(weights_.end(), copy.weights_.begin(), copy.weights_.end());
    weights_.resize(labels_.size() + copy.labels_.size(), 1.0);
  }
  labels_.insert(labels_.end(), copy.labels_.begin(), copy.labels_.end());
  area_known_ = false;
}

std::map<std::string, Tensor> AreaUnderCurve::state() const {
  const Sizes sizes = {count()};
  std::map<std::string, Tensor> out;
  out[kLabels] = Tensor::from(labels_, sizes);
  out[kScores] = wide_ ? Tensor::from(scores64_, sizes) : Tensor::from(scores32_, sizes);
  if (!weights_.empty()) out[kWeights] = Tensor::from(weights_, sizes);
  return out;
}

void AreaUnderCurve::restore(const std::map<std::string, Tensor>& state) {
  const auto labels = state.find(kLabels), scores = state.find(kScores);
  const auto weights = state.find(kWeights);
  if (labels == state.end() || scores == state.end() || labels->second.dtype() != DType::u8 ||
      !is_floating(scores->second.dtype()) ||
      (weights != state.end() && weights->second.dtype() != DType::f64))
    fail("[metric] this is not the state of {}", signature());
  AreaUnderCurve restored(curve_, n_threads_, bound_, class_id_);
  restored.add(labels->second, scores->second, weights != state.end() ? weights->second : Tensor());
  *this = std::move(restored);
}

}  // namespace andiron::metrics
