#pragma once

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// The entry of a network: it stands for a placeholder. Made by `Input` (symbolic.hpp).
class InputLayer : public Layer {
 public:
  /// `type` has the batch as axis 0.
  explicit InputLayer(TensorType type, LayerOptions options = {});
  std::string class_name() const override { return "InputLayer"; }
  const TensorType& type() const { return type_; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);
  /// The one symbolic output.
  SymbolicTensor output();

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  TensorType type_;
};

}  // namespace andiron::nn
