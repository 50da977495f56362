#include "andiron/nn/layers/activation.hpp"

#include <nlohmann/json.hpp>

#include "andiron/ops/ops.hpp"

namespace andiron::nn {

void check_activation(const std::string& name) {
  apply_activation(name, input("x", DType::f32, {batch_dim(), 2}));
}

Value apply_activation(const std::string& name, const Value& x) {
  return name.empty() || name == "linear" ? x : ops::activation(name, x);
}

ActivationLayer::ActivationLayer(std::string activation, LayerOptions options)
    : Layer(std::move(options)), activation_(std::move(activation)) {
  check_activation(activation_);
}

nlohmann::json ActivationLayer::config() const {
  nlohmann::json config = Layer::config();
  config["activation"] = activation_;
  return config;
}

LayerPtr ActivationLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<ActivationLayer>(config.at("activation").get<std::string>());
}

std::vector<Value> ActivationLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  return {apply_activation(activation_, inputs[0])};
}

LayerRef Activation(std::string activation, LayerOptions options) {
  return std::make_shared<ActivationLayer>(std::move(activation), std::move(options));
}

}  // namespace andiron::nn
