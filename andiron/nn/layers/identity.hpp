#pragma once

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Its input.
class IdentityLayer : public Layer {
 public:
  explicit IdentityLayer(LayerOptions options = {}) : Layer(std::move(options)) {}
  std::string class_name() const override { return "Identity"; }
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;
};

/// Its input, whose size is a penalty: (l1 sum|x| + l2 sum x^2) / batch is added to the loss.
class ActivityRegularizationLayer : public Layer {
 public:
  explicit ActivityRegularizationLayer(double l1 = 0.0, double l2 = 0.0, LayerOptions options = {});
  std::string class_name() const override { return "ActivityRegularization"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  Regularizer penalty_;
};

LayerRef Identity(LayerOptions options = {});
LayerRef ActivityRegularization(double l1 = 0.0, double l2 = 0.0, LayerOptions options = {});

}  // namespace andiron::nn
