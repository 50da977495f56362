#include "andiron/base/error.hpp"
#include "andiron/nn/losses/catalog.hpp"
#include "andiron/nn/losses/formula_loss.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

// Losses that compare the scores, distances or embeddings of several things.
namespace andiron::nn {

namespace {

constexpr double kNear = 1e-6;  // PyTorch's: keeps the slope of a distance of 0 finite

Value distance(const Value& a, const Value& b) {
  return ops::sqrt(ops::sum(ops::square(a - b + kNear), {-1}));
}

// Which pairs of the batch are what they must be, as bool [n, n].
struct PairMasks {
  Value positive, negative;

  // A sample is a positive of itself only with `itself`.
  explicit PairMasks(const Value& ids, bool itself = false) {
    const Dim n = ids.shape()[0];
    const Value same = ops::equal(ops::reshape(ids, {n, 1}), ops::reshape(ids, {1, n}));
    negative = ops::logical_not(same);
    positive = same;
    if (itself) return;
    const Value ones = ops::broadcast_to(constant(1.0, DType::f32), {n});
    const Value row = ops::cumsum(ones, 0);
    const Value diagonal = ops::equal(ops::reshape(row, {n, 1}), ops::reshape(row, {1, n}));
    positive = ops::logical_and(same, ops::logical_not(diagonal));
  }
};

Value filled(double value, const Value& like) {
  return ops::broadcast_to(constant(value, like.dtype()), like.shape());
}

constexpr double kFar = 1e30;  // farther than any distance, and finite in every sum

// The hardest of the batch for each anchor: its farthest positive and its nearest negative.
Value hardest(const Value& far, const PairMasks& is, double margin) {
  const Value positive = ops::max(ops::where(is.positive, far, filled(-kFar, far)), {-1});
  const Value negative = ops::min(ops::where(is.negative, far, filled(kFar, far)), {-1});
  // Where one of the two is missing, the difference is beyond all distances: no loss.
  return positive_part(positive - negative + margin);
}

// For each positive the nearest negative that is farther than it, else the farthest negative;
// the mean over an anchor's positives.
Value semi_hard(const Value& far, const PairMasks& is, double margin) {
  const Dim n = far.shape()[0];
  const Value to_positive = ops::reshape(far, {n, n, 1}),
              to_negative = ops::reshape(far, {n, 1, n});
  const Value farther = ops::logical_and(ops::reshape(is.negative, {n, 1, n}),
                                         ops::greater(to_negative, to_positive));
  const Value all = ops::broadcast_to(to_negative, {n, n, n});
  const Value outside = ops::min(ops::where(farther, all, filled(kFar, all)), {-1});
  const Value inside =
      ops::max(ops::where(is.negative, far, filled(-kFar, far)), {-1}, true);  // [n, 1]
  const Value found = ops::less(outside, constant(kFar, far.dtype()));
  const Value negative = ops::where(found, outside, ops::broadcast_to(inside, far.shape()));
  const Value zero = filled(0.0, far);
  // An anchor without negatives has -kFar in place of one: no loss. (NaN is not below it, and
  // stays.)
  const Value missing = ops::less_equal(negative, constant(-kFar, far.dtype()));
  const Value counts = ops::logical_and(is.positive, ops::logical_not(missing));
  const Value loss = ops::where(counts, positive_part(far - negative + margin), zero);
  const Value pairs = ops::sum(ops::cast(counts, far.dtype()), {-1});
  return ops::sum(loss, {-1}) / ops::maximum(pairs, constant(1.0, far.dtype()));
}

}  // namespace

LossPtr MarginRanking(double margin, LossOptions options) {
  return std::make_shared<FormulaLoss>(
      "MarginRanking", named(std::move(options), "margin_ranking"),
      [margin](const Value& y, const Value& p) {
        if (!(p.shape().back() == Dim(2)))
          fail("[MarginRanking] the last axis of y_pred must be two scores; got {}",
               p.shape().str());
        const std::vector<Value> scores = ops::split(p, {1, 1}, -1);
        return ops::mean(positive_part(margin - signed_labels(y) * (scores[0] - scores[1])), {-1});
      },
      nlohmann::json{{"margin", margin}}, Target::column);
}

LossPtr BPR(LossOptions options) {
  return std::make_shared<FormulaLoss>(
      "BPR", named(std::move(options), "bpr"),
      [](const Value&, const Value& p) {
        if (!p.shape().back().known() || p.shape().back().size() < 2)
          fail(
              "[BPR] the last axis of y_pred must be the score of what was chosen and those of "
              "others; got {}",
              p.shape().str());
        const std::vector<Value> scores = ops::split(p, {1, p.shape().back().size() - 1}, -1);
        return ops::mean(ops::softplus(scores[1] - scores[0]), {-1});
      },
      nlohmann::json::object(), Target::column);
}

LossPtr Contrastive(double margin, LossOptions options) {
  require_at_least("Contrastive", "margin", margin, 0.0);
  return std::make_shared<FormulaLoss>(
      "Contrastive", named(std::move(options), "contrastive"),
      [margin](const Value& y, const Value& p) {
        return ops::mean(y * ops::square(p) + (1.0 - y) * ops::square(positive_part(margin - p)),
                         {-1});
      },
      nlohmann::json{{"margin", margin}});
}

LossPtr Triplet(double margin, bool swap, LossOptions options) {
  require_at_least("Triplet", "margin", margin, 0.0);
  return std::make_shared<FormulaLoss>(
      "Triplet", named(std::move(options), "triplet"),
      [=](const Value&, const Value& p) {
        if (p.rank() != 3 || !(p.shape()[1] == Dim(3)))
          fail("[Triplet] y_pred must be [batch, 3, d]: anchor, positive, negative; got {}",
               p.shape().str());
        std::vector<Value> parts = ops::split(p, {1, 1, 1}, 1);
        for (Value& part : parts) part = ops::squeeze(part, 1);
        Value negative = distance(parts[0], parts[2]);
        if (swap) negative = ops::minimum(negative, distance(parts[1], parts[2]));
        return positive_part(distance(parts[0], parts[1]) - negative + margin);
      },
      nlohmann::json{{"margin", margin}, {"swap", swap}}, Target::sample);
}

LossPtr TripletMining(double margin, const std::string& mining, LossOptions options) {
  require_at_least("TripletMining", "margin", margin, 0.0);
  if (mining != "semi-hard" && mining != "hard")
    fail("[TripletMining] mining must be semi-hard or hard; got '{}'", mining);
  const bool half = mining == "semi-hard";
  return std::make_shared<FormulaLoss>(
      "TripletMining", named(std::move(options), "triplet_mining"),
      [=](const Value& y, const Value& p) {
        if (p.rank() != 2)
          fail("[TripletMining] y_pred must be embeddings [batch, d]; got {}", p.shape().str());
        const Dim n = p.shape()[0];
        const Value far =
            ops::sqrt(ops::sum(ops::square(ops::reshape(p, {n, 1, p.shape()[1]}) -
                                           ops::reshape(p, {1, n, p.shape()[1]}) + kNear),
                               {-1}));
        return half ? semi_hard(far, PairMasks(y), margin) : hardest(far, PairMasks(y), margin);
      },
      nlohmann::json{{"margin", margin}, {"mining", mining}}, Target::ids);
}

LossPtr Circle(const CircleOptions& circle, LossOptions options) {
  require_at_least("Circle", "gamma", circle.gamma, 0.0);
  const Reduction reduction = options.reduction;
  return std::make_shared<FormulaLoss>(
      "Circle", named(std::move(options), "circle"),
      [=](const Value& y, const Value& p) {
        if (p.rank() != 2)
          fail("[Circle] y_pred must be embeddings [batch, d]; got {}", p.shape().str());
        const auto& [gamma, margin, remove_diagonal] = circle;
        const Value far = positive_part(1.0 - ops::matmul(p, p, false, true));  // cosine distances
        const PairMasks is(y, !remove_diagonal);
        // A pair's weight is how far it is from its optimum, -margin or 1 + margin.
        const Value together = (far + margin) * (far - margin) * gamma;
        const Value apart = positive_part(1.0 + margin - far) * (1.0 - margin - far) * gamma;
        const Value none = filled(-kFar, far);
        const Value loss =
            ops::softplus(ops::logsumexp(ops::where(is.positive, together, none), {-1}) +
                          ops::logsumexp(ops::where(is.negative, apart, none), {-1}));
        // NaN counts.
        const Value without = ops::less_equal(loss, constant(0.0, loss.dtype()));
        return counted(loss, ops::logical_not(without), reduction);
      },
      nlohmann::json{{"gamma", circle.gamma},
                     {"margin", circle.margin},
                     {"remove_diagonal", circle.remove_diagonal}},
      Target::ids);
}

}  // namespace andiron::nn
