#pragma once

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Steps of [batch, time, ..., features] whose features all equal `mask_value` are masked: they
/// become 0, and what follows is told (nn/masks.hpp).
class MaskingLayer : public Layer {
 public:
  explicit MaskingLayer(double mask_value = 0.0, LayerOptions options = {});
  std::string class_name() const override { return "Masking"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  double mask_value_;
};

LayerRef Masking(double mask_value = 0.0, LayerOptions options = {});

}  // namespace andiron::nn
