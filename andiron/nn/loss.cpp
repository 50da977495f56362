#include "andiron/nn/loss.hpp"

#include <iterator>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {
constexpr const char* kReductions[] = {"sum_over_batch_size", "sum", "mean",
                                       "mean_with_sample_weight", "none"};
}

Reduction parse_reduction(std::string_view name) {
  for (size_t i = 0; i < std::size(kReductions); ++i)
    if (name == kReductions[i]) return static_cast<Reduction>(i);
  fail(
      "[loss] reduction '{}' is not known; there are sum_over_batch_size, sum, mean, "
      "mean_with_sample_weight, none",
      name);
}

std::string_view name_of(Reduction reduction) {
  return kReductions[static_cast<size_t>(reduction)];
}

Value Loss::per_sample(const Value& y_true, const Value& y_pred) const {
  if (y_pred.rank() < 1) fail("[{}] y_pred needs a batch axis; got a scalar", class_name());
  Value prediction = y_pred, target = y_true;
  // One number a sample is a row of one.
  if (prediction.rank() == 1 && !sparse_labels())
    prediction = ops::reshape(prediction, {prediction.shape()[0], 1});
  const TensorType wanted = target_type(prediction.type());
  if (target.shape() != wanted.shape) {
    const bool same_count = target.shape().count() == wanted.shape.count();
    if (!same_count || target.rank() > wanted.shape.rank() + 1 ||
        target.rank() + 1 < wanted.shape.rank())
      fail("[{}] y_true must be {} for y_pred {}; got {}", class_name(), wanted.shape.str(),
           y_pred.shape().str(), y_true.shape().str());
    target = ops::reshape(target, wanted.shape);
  }
  if (target.dtype() != wanted.dtype && !(is_integer(wanted.dtype) && is_integer(target.dtype())))
    target = ops::cast(target, wanted.dtype);
  return compute(target, prediction);
}

Value Loss::operator()(const Value& y_true, const Value& y_pred, const Value& sample_weight) const {
  Value losses = per_sample(y_true, y_pred);
  Value weight = sample_weight;
  if (weight.defined()) {
    if (weight.dtype() != losses.dtype()) weight = ops::cast(weight, losses.dtype());
    Shape shape = weight.shape();
    while (shape.rank() > losses.rank() && shape.back() == Dim(1)) shape.pop_back();
    while (shape.rank() < losses.rank()) shape.push_back(1);
    if (shape != weight.shape()) weight = ops::reshape(weight, shape);
    losses = losses * weight;
  }
  switch (reduction()) {
    case Reduction::none:
      return losses;
    case Reduction::sum:
      return ops::sum(losses);
    case Reduction::mean_with_sample_weight:
      if (weight.defined())
        return ops::sum(losses) / ops::sum(ops::broadcast_to(weight, losses.shape()));
      break;
    default:
      break;
  }
  return ops::sum(losses) / ops::count_of(losses, {}, losses.dtype());
}

TensorType Loss::target_type(const TensorType& y_pred) const {
  if (!sparse_labels()) return y_pred;
  TensorType type = {DType::i32, y_pred.shape};
  if (!type.shape.empty()) type.shape.pop_back();
  return type;
}

nlohmann::json Loss::config() const {
  return {{"name", name()}, {"reduction", name_of(reduction())}};
}

}  // namespace andiron::nn
