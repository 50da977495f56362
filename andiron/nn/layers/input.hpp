#pragma once

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// The entry of a network: it stands for a placeholder. Made by `Input` (symbolic.hpp).
class InputLayer : public Layer {
 public:
  /// `type` has the batch as axis 0; of texts (nn/texts.hpp) it becomes int64.
  explicit InputLayer(TensorType type, LayerOptions options = {}, bool texts = false);
  std::string class_name() const override { return "InputLayer"; }
  const TensorType& type() const { return type_; }
  bool texts() const { return texts_; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);
  /// The one symbolic output.
  SymbolicTensor output();

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  TensorType type_;
  bool texts_;
};

}  // namespace andiron::nn
