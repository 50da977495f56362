#pragma once

#include <string>

#include "andiron/nn/layer.hpp"

/// Dense layers of BigDL's and Keras 1's that choose between what they compute.
namespace andiron::nn {

struct HighwayOptions {
  std::string activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  double transform_bias = -2.0;  ///< the gate's bias to begin with: mostly x passes
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

/// t * activation(x W + b) + (1 - t) * x with t = sigmoid(x V + c), for x [batch, ..., n].
/// Srivastava, Greff and Schmidhuber, Highway networks, 2015.
class HighwayLayer : public Layer {
 public:
  explicit HighwayLayer(HighwayOptions options = {});
  std::string class_name() const override { return "Highway"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  HighwayOptions options_;
  VariablePtr kernel_, gate_kernel_, bias_, gate_bias_;
};

struct MaxoutDenseOptions {
  int64_t nb_feature = 4;  ///< of how many linear functions the largest is taken
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

/// max over f of x W[f] + b[f]: [batch, n] to [batch, units]. Goodfellow et al., Maxout networks,
/// 2013.
class MaxoutDenseLayer : public Layer {
 public:
  explicit MaxoutDenseLayer(int64_t units, MaxoutDenseOptions options = {});
  std::string class_name() const override { return "MaxoutDense"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t units_;
  MaxoutDenseOptions options_;
  VariablePtr kernel_, bias_;
};

LayerRef Highway(HighwayOptions options = {});
LayerRef MaxoutDense(int64_t units, MaxoutDenseOptions options = {});

}  // namespace andiron::nn
