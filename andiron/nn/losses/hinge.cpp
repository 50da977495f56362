#include "andiron/base/error.hpp"
#include "andiron/nn/losses/catalog.hpp"
#include "andiron/nn/losses/formula_loss.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

Value hinge(const Value& y_true, const Value& y_pred) {
  return ops::mean(positive_part(1.0 - signed_labels(y_true) * y_pred), {-1});
}

Value squared_hinge(const Value& y_true, const Value& y_pred) {
  return ops::mean(ops::square(positive_part(1.0 - signed_labels(y_true) * y_pred)), {-1});
}

Value categorical_hinge(const Value& y_true, const Value& y_pred) {
  const Value right = ops::sum(y_true * y_pred, {-1});
  const Value wrong = ops::max((1.0 - y_true) * y_pred, {-1});
  return positive_part(wrong - right + 1.0);
}

// s_j - s_y + margin [j != y]: 0 at the label. gather_elements refuses ids out of range.
Value violations(const char* loss, const Value& ids, const Value& scores, double margin) {
  if (scores.rank() < 2 || !scores.shape().back().known())
    fail("[{}] y_pred needs an axis of classes; got {}", loss, scores.shape().str());
  const Value right = ops::gather_elements(scores, ops::expand_dims(ids, -1), -1);
  const Value label = ops::one_hot(ids, scores.shape().back().size(), scores.dtype());
  return scores - right + (1.0 - label) * margin;
}

LossPtr multiclass(const char* class_name, const char* name, double margin, LossOptions options,
                   Value (*reduce)(const Value& violations)) {
  require_at_least(class_name, "margin", margin, 0.0);
  return std::make_shared<FormulaLoss>(
      class_name, named(std::move(options), name),
      [=](const Value& y, const Value& p) { return reduce(violations(class_name, y, p, margin)); },
      nlohmann::json{{"margin", margin}}, Target::ids);
}

}  // namespace

LossPtr Hinge(LossOptions options) {
  return std::make_shared<FormulaLoss>("Hinge", named(std::move(options), "hinge"), hinge);
}

LossPtr SquaredHinge(LossOptions options) {
  return std::make_shared<FormulaLoss>("SquaredHinge", named(std::move(options), "squared_hinge"),
                                       squared_hinge);
}

LossPtr CategoricalHinge(LossOptions options) {
  return std::make_shared<FormulaLoss>(
      "CategoricalHinge", named(std::move(options), "categorical_hinge"), categorical_hinge);
}

LossPtr WestonWatkins(double margin, LossOptions options) {
  return multiclass("WestonWatkins", "weston_watkins", margin, std::move(options),
                    [](const Value& v) { return ops::sum(positive_part(v), {-1}); });
}

LossPtr CrammerSinger(double margin, LossOptions options) {
  return multiclass("CrammerSinger", "crammer_singer", margin, std::move(options),
                    [](const Value& v) { return ops::max(v, {-1}); });
}

}  // namespace andiron::nn
