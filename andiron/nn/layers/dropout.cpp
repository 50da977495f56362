#include "andiron/nn/layers/dropout.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/noise_shape.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

DropoutLayer::DropoutLayer(double rate, DropoutOptions options)
    : Layer({.name = options.name}),
      rate_(rate),
      seed_(options.seed ? *options.seed : next_seed()),
      noise_shape_(std::move(options.noise_shape)) {
  if (!(rate >= 0.0 && rate <= 1.0)) fail("[Dropout] rate must be in [0, 1]; got {}", rate);
}

nlohmann::json DropoutLayer::config() const {
  nlohmann::json config = Layer::config();
  config["rate"] = rate_;
  // The seed in use, so that training goes on with the same draws.
  config["seed"] = seed_;
  if (!noise_shape_.empty()) config["noise_shape"] = noise_shape_;
  return config;
}

LayerPtr DropoutLayer::from_config(const nlohmann::json& config) {
  DropoutOptions options;
  options.seed = seed_of(config);
  options.noise_shape = config.value("noise_shape", std::vector<int64_t>());
  return std::make_shared<DropoutLayer>(config.at("rate").get<double>(), options);
}

std::vector<Value> DropoutLayer::compute(const std::vector<Value>& inputs, CallContext& context) {
  expect_inputs(inputs.size(), 1);
  if (!context.training || rate_ == 0.0) return inputs;
  if (rate_ == 1.0) return {inputs[0] * 0.0};
  if (!noise_shape_.empty()) return {shared_draws(inputs[0], context)};
  return {ops::dropout(inputs[0], rate_, context.step, context.draw_seed(seed_))};
}

Value DropoutLayer::shared_draws(const Value& x, CallContext& context) const {
  const std::optional<Shape> shape = noise_shape_of(x.shape(), noise_shape_);
  if (!shape) reject(noise_shape_rule(x.shape(), noise_shape_));
  const Value draws = ops::random_uniform(*shape, context.step, context.draw_seed(seed_));
  const Value keep = ops::greater_equal(draws, constant(rate_));
  return ops::where(keep, x * (1.0 / (1.0 - rate_)), constant(0.0, x.dtype()));
}

LayerRef Dropout(double rate, DropoutOptions options) {
  return std::make_shared<DropoutLayer>(rate, std::move(options));
}

}  // namespace andiron::nn
