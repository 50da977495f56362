#pragma once

#include <string>
#include <vector>

#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// Keras's arguments and defaults.
struct PReLUOptions {
  Initializer alpha_initializer = "zeros";
  Regularizer alpha_regularizer = {};
  Constraint alpha_constraint = {};
  std::vector<int64_t> shared_axes = {};  ///< along which one alpha is shared, counted from 1
  std::string name = {};
  bool trainable = true;
};

/// x where above 0, else alpha x with an alpha that is trained. He et al. 2015.
class PReLULayer final : public Layer, public Constrained {
 public:
  explicit PReLULayer(PReLUOptions options = {});
  std::string class_name() const override { return "PReLU"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  PReLUOptions options_;
  VariablePtr alpha_;
};

LayerRef PReLU(PReLUOptions options = {});

}  // namespace andiron::nn
