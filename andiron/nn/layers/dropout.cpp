#include "andiron/nn/layers/dropout.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

DropoutLayer::DropoutLayer(double rate, DropoutOptions options)
    : Layer({.name = options.name}),
      rate_(rate),
      seed_(options.seed ? *options.seed : next_seed()) {
  if (!(rate >= 0.0 && rate <= 1.0)) fail("[Dropout] rate must be in [0, 1]; got {}", rate);
}

nlohmann::json DropoutLayer::config() const {
  nlohmann::json config = Layer::config();
  config["rate"] = rate_;
  // The seed in use, so that training goes on with the same draws.
  config["seed"] = seed_;
  return config;
}

LayerPtr DropoutLayer::from_config(const nlohmann::json& config) {
  DropoutOptions options;
  if (config.contains("seed") && !config.at("seed").is_null())
    options.seed = config.at("seed").get<int64_t>();
  return std::make_shared<DropoutLayer>(config.at("rate").get<double>(), options);
}

std::vector<Value> DropoutLayer::compute(const std::vector<Value>& inputs, CallContext& context) {
  expect_inputs(inputs.size(), 1);
  if (!context.training || rate_ == 0.0) return inputs;
  if (rate_ == 1.0) return {inputs[0] * 0.0};
  return {ops::dropout(inputs[0], rate_, context.step, context.draw_seed(seed_))};
}

LayerRef Dropout(double rate, DropoutOptions options) {
  return std::make_shared<DropoutLayer>(rate, std::move(options));
}

}  // namespace andiron::nn
