#pragma once

#include <string>

#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct EmbeddingOptions {
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;  ///< id 0 is padding: its steps are masked (nn/masks.hpp)
  std::string name = {};
  bool trainable = true;
};

/// Row ids[...] of a table: int [batch, ...] -> [batch, ..., output_dim]. An id outside
/// [0, input_dim) is an error at run time. The table's gradient is row-sparse; with a regularizer
/// it is dense, since the penalty takes the whole table. With a constraint, all rows are brought to
/// it after each step, so that no row's steps may wait until it is needed.
class EmbeddingLayer : public Layer, public Constrained {
 public:
  EmbeddingLayer(int64_t input_dim, int64_t output_dim, EmbeddingOptions options = {});
  std::string class_name() const override { return "Embedding"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);
  const VariablePtr& embeddings() const { return table_; }

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t input_dim_, output_dim_;
  EmbeddingOptions options_;
  VariablePtr table_;
};

LayerRef Embedding(int64_t input_dim, int64_t output_dim, EmbeddingOptions options = {});

struct EmbeddingBagOptions {
  std::string combiner = "sum";  ///< or "mean"
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

/// The sum or mean of the rows of a sample: ids [batch, k] -> [batch, output_dim]. Negative ids are
/// padding. A second input [batch, k] weights the rows.
class EmbeddingBagLayer : public Layer {
 public:
  EmbeddingBagLayer(int64_t input_dim, int64_t output_dim, EmbeddingBagOptions options = {});
  std::string class_name() const override { return "EmbeddingBag"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t input_dim_, output_dim_;
  EmbeddingBagOptions options_;
  VariablePtr table_;
};

LayerRef EmbeddingBag(int64_t input_dim, int64_t output_dim, EmbeddingBagOptions options = {});

}  // namespace andiron::nn
