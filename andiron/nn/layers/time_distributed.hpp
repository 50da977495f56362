#pragma once

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// A layer on every step of [batch, time, ...], as if the steps were samples. A mask of the steps
/// is passed on.
class TimeDistributedLayer : public Layer {
 public:
  explicit TimeDistributedLayer(LayerPtr layer, LayerOptions options = {});
  std::string class_name() const override { return "TimeDistributed"; }
  std::vector<LayerPtr> sublayers() const override { return {layer_}; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  LayerPtr layer_;
};

LayerRef TimeDistributed(const LayerRef& layer, LayerOptions options = {});

}  // namespace andiron::nn
