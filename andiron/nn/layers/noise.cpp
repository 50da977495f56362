#include "andiron/nn/layers/noise.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/noise_shape.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

// Normal numbers of x's shape and dtype.
Value normal_like(const Value& x, CallContext& context, int64_t seed, double mean, double stddev) {
  const Value noise =
      ops::random_normal(x.shape(), context.step, context.draw_seed(seed), mean, stddev);
  return noise.dtype() == x.dtype() ? noise : ops::cast(noise, x.dtype());
}

void check_rate(const char* layer, double rate) {
  if (!(rate >= 0.0 && rate < 1.0)) fail("[{}] rate must be in [0, 1); got {}", layer, rate);
}

}  // namespace

GaussianNoiseLayer::GaussianNoiseLayer(double stddev, NoiseOptions options)
    : Layer({.name = options.name}),
      stddev_(stddev),
      seed_(options.seed ? *options.seed : next_seed()) {
  if (!(stddev >= 0.0) || !std::isfinite(stddev))
    fail("[GaussianNoise] stddev must be finite and not negative; got {}", stddev);
}

nlohmann::json GaussianNoiseLayer::config() const {
  nlohmann::json config = Layer::config();
  config["stddev"] = stddev_;
  config["seed"] = seed_;
  return config;
}

LayerPtr GaussianNoiseLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<GaussianNoiseLayer>(config.at("stddev").get<double>(),
                                              NoiseOptions{.seed = seed_of(config)});
}

std::vector<Value> GaussianNoiseLayer::compute(const std::vector<Value>& inputs,
                                               CallContext& context) {
  expect_inputs(inputs.size(), 1);
  if (!context.training || stddev_ == 0.0) return inputs;
  return {inputs[0] + normal_like(inputs[0], context, seed_, 0.0, stddev_)};
}

GaussianDropoutLayer::GaussianDropoutLayer(double rate, NoiseOptions options)
    : Layer({.name = options.name}),
      rate_(rate),
      seed_(options.seed ? *options.seed : next_seed()) {
  check_rate("GaussianDropout", rate);
}

nlohmann::json GaussianDropoutLayer::config() const {
  nlohmann::json config = Layer::config();
  config["rate"] = rate_;
  config["seed"] = seed_;
  return config;
}

LayerPtr GaussianDropoutLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<GaussianDropoutLayer>(config.at("rate").get<double>(),
                                                NoiseOptions{.seed = seed_of(config)});
}

std::vector<Value> GaussianDropoutLayer::compute(const std::vector<Value>& inputs,
                                                 CallContext& context) {
  expect_inputs(inputs.size(), 1);
  if (!context.training || rate_ == 0.0) return inputs;
  const double stddev = std::sqrt(rate_ / (1.0 - rate_));
  return {inputs[0] * normal_like(inputs[0], context, seed_, 1.0, stddev)};
}

AlphaDropoutLayer::AlphaDropoutLayer(double rate, AlphaDropoutOptions options)
    : Layer({.name = options.name}),
      rate_(rate),
      seed_(options.seed ? *options.seed : next_seed()),
      noise_shape_(std::move(options.noise_shape)) {
  check_rate("AlphaDropout", rate);
}

nlohmann::json AlphaDropoutLayer::config() const {
  nlohmann::json config = Layer::config();
  config["rate"] = rate_;
  config["seed"] = seed_;
  if (!noise_shape_.empty()) config["noise_shape"] = noise_shape_;
  return config;
}

LayerPtr AlphaDropoutLayer::from_config(const nlohmann::json& config) {
  AlphaDropoutOptions options;
  options.seed = seed_of(config);
  options.noise_shape = config.value("noise_shape", std::vector<int64_t>());
  return std::make_shared<AlphaDropoutLayer>(config.at("rate").get<double>(), options);
}

std::vector<Value> AlphaDropoutLayer::compute(const std::vector<Value>& inputs,
                                              CallContext& context) {
  expect_inputs(inputs.size(), 1);
  if (!context.training || rate_ == 0.0) return inputs;
  const Value& x = inputs[0];
  const std::optional<Shape> shape = noise_shape_of(x.shape(), noise_shape_);
  if (!shape) reject(noise_shape_rule(x.shape(), noise_shape_));
  // selu's limit at minus infinity.
  constexpr double kDropped = -1.6732632423543772848 * 1.0507009873554804934;
  const double a = 1.0 / std::sqrt((1.0 - rate_) * (1.0 + rate_ * kDropped * kDropped));
  const double b = -a * kDropped * rate_;
  const Value draws = ops::random_uniform(*shape, context.step, context.draw_seed(seed_));
  const Value keep = ops::greater_equal(draws, constant(rate_));
  return {ops::where(keep, x * a + b, constant(a * kDropped + b, x.dtype()))};
}

LayerRef GaussianNoise(double stddev, NoiseOptions options) {
  return std::make_shared<GaussianNoiseLayer>(stddev, std::move(options));
}
LayerRef GaussianDropout(double rate, NoiseOptions options) {
  return std::make_shared<GaussianDropoutLayer>(rate, std::move(options));
}
LayerRef AlphaDropout(double rate, AlphaDropoutOptions options) {
  return std::make_shared<AlphaDropoutLayer>(rate, std::move(options));
}

}  // namespace andiron::nn
