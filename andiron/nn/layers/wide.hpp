#pragma once

#include <optional>
#include <string>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct WideLinearOptions {
  int64_t units = 1;
  bool use_bias = true;
  std::string activation = {};
  Initializer kernel_initializer = "zeros";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

/// A linear model over sparse categorical features: the sum of one weight for each active id.
/// ids [batch, n_columns] -> [batch, units]. Column c owns the ids [offset_c, offset_c + size_c) of
/// one table, so that every column numbers its ids from 0; negative ids are absent features.
/// An optional second input [batch, n_columns] gives the features' values.
class WideLinearLayer : public Layer {
 public:
  /// `column_sizes`: how many ids each column has; ids must be smaller. One size for several
  /// columns means that they share their ids.
  explicit WideLinearLayer(std::vector<int64_t> column_sizes, WideLinearOptions options = {});
  std::string class_name() const override { return "WideLinear"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  std::vector<int64_t> column_sizes_;
  WideLinearOptions options_;
  VariablePtr kernel_, bias_;
};

LayerRef WideLinear(std::vector<int64_t> column_sizes, WideLinearOptions options = {});

struct HashedCrossOptions {
  int64_t seed = 0;
  std::string name = {};
};

/// The hash of several integer features taken together, as an id in [0, num_bins): each input
/// [batch] or [batch, 1] -> int32 of the inputs' shape. Stable on disk and between versions.
class HashedCrossLayer : public Layer {
 public:
  explicit HashedCrossLayer(int64_t num_bins, HashedCrossOptions options = {});
  std::string class_name() const override { return "HashedCross"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  int64_t num_bins_, seed_;
};

LayerRef HashedCross(int64_t num_bins, HashedCrossOptions options = {});

}  // namespace andiron::nn
