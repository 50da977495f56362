#pragma once

#include <string>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// An activation by name as a layer of its own; shape kept.
class ActivationLayer : public Layer {
 public:
  explicit ActivationLayer(std::string activation, LayerOptions options = {});
  std::string class_name() const override { return "Activation"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  std::string activation_;
};

/// "relu", "sigmoid", "tanh", "softmax", "gelu", "elu", "leaky_relu", "softplus", "linear", ...
LayerRef Activation(std::string activation, LayerOptions options = {});

/// Throws Error listing the known ones unless `name` is an activation ("" and "linear" are).
void check_activation(const std::string& name);
/// x itself for "" and "linear".
Value apply_activation(const std::string& name, const Value& x);

}  // namespace andiron::nn
