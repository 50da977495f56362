#include "andiron/nn/layers/masking.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/masks.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

MaskingLayer::MaskingLayer(double mask_value, LayerOptions options)
    : Layer(std::move(options)), mask_value_(mask_value) {}

nlohmann::json MaskingLayer::config() const {
  nlohmann::json config = Layer::config();
  config["mask_value"] = mask_value_;
  return config;
}

LayerPtr MaskingLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<MaskingLayer>(config.value("mask_value", 0.0));
}

std::vector<Value> MaskingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Value& x = inputs[0];
  if (x.rank() < 2) reject(fmt::format("needs [batch, ..., features]; got {}", x.shape().str()));
  const Value differs = ops::not_equal(x, constant(mask_value_, x.dtype()));
  const Value some = ops::max(ops::cast(differs, DType::f32), {-1}, true);  // any
  const Value mask = ops::greater(some, constant(0.0));
  const Value y = ops::where(mask, x, constant(0.0, x.dtype()));
  Masks::set(y, ops::squeeze(mask, -1));
  return {y};
}

LayerRef Masking(double mask_value, LayerOptions options) {
  return std::make_shared<MaskingLayer>(mask_value, std::move(options));
}

}  // namespace andiron::nn
