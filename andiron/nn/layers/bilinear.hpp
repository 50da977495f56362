#pragma once

#include <optional>
#include <string>

#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct BilinearOptions {
  std::string activation = {};
  bool use_bias = true;
  /// None: uniform in +-1 / sqrt(n1), as in PyTorch.
  std::optional<Initializer> kernel_initializer = {}, bias_initializer = {};
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

/// activation(x1^T kernel[u] x2 + bias[u]) of two inputs: [batch, n1] and [batch, n2] to
/// [batch, units]; kernel [units, n1, n2]. PyTorch's nn.Bilinear, BigDL's Bilinear.
class BilinearLayer : public Layer {
 public:
  explicit BilinearLayer(int64_t units, BilinearOptions options = {});
  std::string class_name() const override { return "Bilinear"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t units_;
  BilinearOptions options_;
  VariablePtr kernel_, bias_;
};

LayerRef Bilinear(int64_t units, BilinearOptions options = {});

}  // namespace andiron::nn
