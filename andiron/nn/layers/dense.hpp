#pragma once

#include <string>

#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct DenseOptions {
  std::string activation = {};  ///< empty: none ("linear")
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
};

/// activation(x kernel + bias) over the last axis: x [batch, ..., n] -> [batch, ..., units].
class DenseLayer : public Layer, public Constrained {
 public:
  explicit DenseLayer(int64_t units, DenseOptions options = {});
  std::string class_name() const override { return "Dense"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t units_;
  DenseOptions options_;
  VariablePtr kernel_, bias_;
};

LayerRef Dense(int64_t units, DenseOptions options = {});

}  // namespace andiron::nn
