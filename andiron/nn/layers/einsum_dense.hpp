#pragma once

#include <string>
#include <vector>

#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct EinsumDenseOptions {
  std::string activation = {};
  std::string bias_axes =
      {};  ///< the result's axes that the bias has, by their letters; empty: none
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
};

/// A dense layer whose product is an einsum, "ab,bc->ac" or "...x,xy->...y": letters that only the
/// kernel and the result share take their sizes from `output_shape` (without the batch; -1: that of
/// the input). Lowered to one product of matrices.
class EinsumDenseLayer : public Layer, public Constrained {
 public:
  EinsumDenseLayer(std::string equation, std::vector<int64_t> output_shape,
                   EinsumDenseOptions options = {});
  std::string class_name() const override { return "EinsumDense"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  /// The letters of the three operands, without "...".
  struct Letters {
    std::string src, kernel, dst;
  };
  Letters letters_for(int64_t rank) const;

  std::string equation_;
  std::vector<int64_t> output_shape_;
  EinsumDenseOptions options_;
  VariablePtr kernel_, bias_;
};

LayerRef EinsumDense(std::string equation, std::vector<int64_t> output_shape,
                     EinsumDenseOptions options = {});

}  // namespace andiron::nn
