#pragma once

#include <string>

#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Keras's arguments and defaults, but for axis: channels are axis 1 of [batch, C, spatial...].
struct BatchNormalizationOptions {
  int64_t axis = 1;
  double momentum = 0.99;  ///< of the running statistics: what stays of them in a step
  double epsilon = 1e-3;
  bool center = true, scale = true;  ///< whether there is a beta, a gamma
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros", moving_variance_initializer = "ones";
  Regularizer beta_regularizer = {}, gamma_regularizer = {};
  Constraint beta_constraint = {}, gamma_constraint = {};
  bool synchronized = false;  ///< moments are those of all workers' rows in a step
  std::string name = {};
  bool trainable = true;
};

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta for each channel. In training the moments
/// are those of the batch (under data parallel training of this worker's rows, or synchronized of
/// all workers') and move the running ones, of which workers keep the mean; in inference, and when the layer is frozen (trainable = false), they are the
/// running ones. Ioffe and Szegedy 2015.
class BatchNormalizationLayer : public Layer, public Constrained {
 public:
  explicit BatchNormalizationLayer(BatchNormalizationOptions options = {});
  std::string class_name() const override { return "BatchNormalization"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t axis_of(const Shape& shape) const;
  BatchNormalizationOptions options_;
  VariablePtr gamma_, beta_, mean_, variance_;
};

LayerRef BatchNormalization(BatchNormalizationOptions options = {});

}  // namespace andiron::nn
