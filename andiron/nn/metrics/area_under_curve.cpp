#include "andiron/nn/metrics/area_under_curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "andiron/base/parallel_for.hpp"
#include "andiron/nn/metrics/columns.hpp"
#include "andiron/nn/metrics/score_order.hpp"

namespace andiron::metrics {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const char* const kLabels = "labels";
const char* const kScores = "scores";
const char* const kWeights = "weights";

// Walks the curve from the highest score down; each step is one distinct score.
class Sweep {
 public:
  explicit Sweep(AreaUnderCurve::Curve curve) : curve_(curve) {}

  void step(double positive, double negative) {
    const double before = positive_;
    positive_ += positive;
    negative_ += negative;
    if (curve_ == AreaUnderCurve::Curve::roc) {
      area_ += negative * (before + positive_) / 2;  // the trapezoid
    } else if (positive > 0.0) {
      area_ += positive * (positive_ / (positive_ + negative_));
    }
  }
  double area() const {
    if (positive_ == 0.0) return kNaN;
    if (curve_ == AreaUnderCurve::Curve::precision_recall) return area_ / positive_;
    return negative_ == 0.0 ? kNaN : area_ / positive_ / negative_;
  }

 private:
  AreaUnderCurve::Curve curve_;
  double positive_ = 0.0, negative_ = 0.0, area_ = 0.0;
};

// Without weights the classes are sorted apart: half the bytes to move, and two threads' work.
template <class Key>
void sweep_counts(std::vector<Key>& positive, std::vector<Key>& negative, int n_threads,
                  Sweep& sweep) {
  auto sort = [](std::vector<Key>& keys) { radix_sort(keys, [](Key k) { return k; }); };
  std::vector<Key>* both[] = {&positive, &negative};
  parallel_for(2, n_threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) sort(*both[i]);
  });
  size_t p = 0, n = 0;
  while (p < positive.size() || n < negative.size()) {
    const Key key = p == positive.size()   ? negative[n]
                    : n == negative.size() ? positive[p]
                                           : std::min(positive[p], negative[n]);
    const size_t p0 = p, n0 = n;
    while (p < positive.size() && positive[p] == key) ++p;
    while (n < negative.size() && negative[n] == key) ++n;
    sweep.step(static_cast<double>(p - p0), static_cast<double>(n - n0));
  }
}

template <class Key>
struct Item {
  Key key;
  float sign;  // 1 for a positive, -1 for a negative
  double weight;
};

}  // namespace

template <class T>
double AreaUnderCurve::area(const std::vector<T>& scores) const {
  using Key = decltype(descending_key(T()));
  for (T s : scores)
    if (std::isnan(s)) return kNaN;
  Sweep sweep(curve_);
  if (weights_.empty()) {
    const auto n_positive = std::count(labels_.begin(), labels_.end(), uint8_t{1});
    std::vector<Key> positive(static_cast<size_t>(n_positive));
    std::vector<Key> negative(labels_.size() - positive.size());
    size_t p = 0, n = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      if (labels_[i]) {
        positive[p++] = descending_key(scores[i]);
      } else {
        negative[n++] = descending_key(scores[i]);
      }
    }
    sweep_counts(positive, negative, n_threads_, sweep);
    return sweep.area();
  }
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
  return sweep.area();
}

std::string AreaUnderCurve::signature() const {
  return curve_ == Curve::roc ? "auc(curve=ROC)" : "auc(curve=PR)";
}

void AreaUnderCurve::widen() {
  if (std::exchange(wide_, true)) return;
  scores64_.assign(scores32_.begin(), scores32_.end());
  scores32_ = {};
}

void AreaUnderCurve::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  const Columns columns("auc", y_true, y_pred, weight);
  columns.for_each_piece([&](int64_t first, auto t, auto, auto w) {
    for (size_t i = 0; i < t.size(); ++i) {
      const int64_t row = first + static_cast<int64_t>(i);
      if (t[i] != 0.0 && t[i] != 1.0)
        fail("[auc] row {}: a label must be 0 or 1; got {}", row, t[i]);
      if (!(w[i] >= 0.0) || std::isinf(w[i]))
        fail("[auc] row {}: a weight must be finite and not negative; got {}", row, w[i]);
    }
  });
  if (y_pred.dtype() != DType::f32 && y_pred.dtype() != DType::bf16) widen();
  if (columns.weighted() && weights_.empty()) weights_.assign(labels_.size(), 1.0);
  const bool keep_weights = columns.weighted() || !weights_.empty();
  area_known_ = false;
  columns.for_each_piece([&](int64_t, auto t, auto p, auto w) {
    for (double label : t) labels_.push_back(label != 0.0 ? 1 : 0);
    if (wide_) {
      scores64_.insert(scores64_.end(), p.begin(), p.end());
    } else {
      for (double score : p) scores32_.push_back(static_cast<float>(score));
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

void AreaUnderCurve::reset() { *this = AreaUnderCurve(curve_, n_threads_); }

void AreaUnderCurve::merge_state(const std::map<std::string, Tensor>& state) {
  AreaUnderCurve copy(curve_, n_threads_);
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
  AreaUnderCurve restored(curve_, n_threads_);
  restored.update(labels->second, scores->second,
                  weights != state.end() ? weights->second : Tensor());
  *this = std::move(restored);
}

}  // namespace andiron::metrics
