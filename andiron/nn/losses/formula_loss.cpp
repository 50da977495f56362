#include "andiron/nn/losses/formula_loss.hpp"

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

FormulaLoss::FormulaLoss(const char* class_name, LossOptions options, Formula formula,
                         nlohmann::json settings, Target target)
    : Loss(std::move(options)),
      class_name_(class_name),
      formula_(std::move(formula)),
      settings_(std::move(settings)),
      target_(target) {}

TensorType FormulaLoss::target_type(const TensorType& y_pred) const {
  TensorType type = Loss::target_type(y_pred);
  if (target_ == Target::column && !type.shape.empty()) type.shape.back() = 1;
  if (target_ == Target::sample && !type.shape.empty()) type.shape = {type.shape[0], 1};
  return type;
}

nlohmann::json FormulaLoss::config() const {
  nlohmann::json config = Loss::config();
  config.update(settings_);
  return config;
}

void require_at_least(const char* loss, const char* what, double value, double low) {
  if (!(value >= low)) fail("[{}] {} must be at least {}; got {}", loss, what, low, value);
}

Value row_of(const std::vector<double>& numbers, const Value& like) {
  const Value row = constant(Tensor::from(numbers, {static_cast<int64_t>(numbers.size())}));
  return row.dtype() == like.dtype() ? row : ops::cast(row, like.dtype());
}

Value positive_part(const Value& x) { return ops::maximum(x, constant(0.0, x.dtype())); }

Value signed_labels(const Value& y_true) {
  const Value zero = constant(0.0, y_true.dtype());
  const Value minus = ops::broadcast_to(constant(-1.0, y_true.dtype()), y_true.shape());
  return ops::where(ops::equal(y_true, zero), minus, y_true);
}

Value counted(const Value& losses, const Value& counts, Reduction reduction) {
  const Value zero = ops::broadcast_to(constant(0.0, losses.dtype()), losses.shape());
  const Value kept = ops::where(counts, losses, zero);
  if (reduction != Reduction::sum_over_batch_size && reduction != Reduction::mean) return kept;
  const Value n = ops::sum(ops::cast(counts, losses.dtype()));
  return kept * (ops::count_of(losses, {}, losses.dtype()) /
                 ops::maximum(n, constant(1.0, losses.dtype())));
}

}  // namespace andiron::nn
