#include <nlohmann/json.hpp>

#include "andiron/nn/losses/catalog.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

/// A loss that is a formula without arguments of its own.
class FormulaLoss : public Loss {
 public:
  using Formula = Value (*)(const Value& y_true, const Value& y_pred);
  FormulaLoss(const char* class_name, const char* name, Formula formula, LossOptions options)
      : Loss(named(std::move(options), name)), class_name_(class_name), formula_(formula) {}
  std::string class_name() const override { return class_name_; }

 protected:
  Value compute(const Value& y_true, const Value& y_pred) const override {
    return formula_(y_true, y_pred);
  }

 private:
  const char* class_name_;
  Formula formula_;
};

Value squared(const Value& y_true, const Value& y_pred) {
  return ops::mean(ops::square(y_pred - y_true), {-1});
}

Value absolute(const Value& y_true, const Value& y_pred) {
  return ops::mean(ops::absolute(y_pred - y_true), {-1});
}

Value zeros_like(const Value& x) { return constant(0.0, x.dtype()); }

// Keras takes labels for 0/1 when all of a batch are; a single 0 can only mean that, and asking
// label by label keeps the rows independent.
Value hinge(const Value& y_true, const Value& y_pred) {
  const Value labels =
      ops::where(ops::equal(y_true, zeros_like(y_true)),
                 ops::broadcast_to(constant(-1.0, y_true.dtype()), y_true.shape()), y_true);
  return ops::mean(ops::maximum(1.0 - labels * y_pred, zeros_like(y_pred)), {-1});
}

Value categorical_hinge(const Value& y_true, const Value& y_pred) {
  const Value right = ops::sum(y_true * y_pred, {-1});
  const Value wrong = ops::max((1.0 - y_true) * y_pred, {-1});
  return ops::maximum(wrong - right + 1.0, zeros_like(right));
}

}  // namespace

LossPtr MeanSquaredError(LossOptions options) {
  return std::make_shared<FormulaLoss>("MeanSquaredError", "mean_squared_error", squared,
                                       std::move(options));
}
LossPtr MeanAbsoluteError(LossOptions options) {
  return std::make_shared<FormulaLoss>("MeanAbsoluteError", "mean_absolute_error", absolute,
                                       std::move(options));
}
LossPtr Hinge(LossOptions options) {
  return std::make_shared<FormulaLoss>("Hinge", "hinge", hinge, std::move(options));
}
LossPtr CategoricalHinge(LossOptions options) {
  return std::make_shared<FormulaLoss>("CategoricalHinge", "categorical_hinge", categorical_hinge,
                                       std::move(options));
}

}  // namespace andiron::nn
