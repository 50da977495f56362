#pragma once

#include <functional>
#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct NormalizationOptions {
  /// Axes whose places have a mean and a variance each; axis 0 is the batch. Empty: one for all.
  std::vector<int64_t> axis = {-1};
  /// Both or neither, of one shape: instead of what `adapt` finds. Numbers, or tensors that are
  /// broadcast to the axes.
  Tensor mean = {}, variance = {};
  bool invert = false;  ///< x * max(sqrt(variance), 1e-7) + mean: back to where it came from
  std::string name = {};
};

/// (x - mean) / max(sqrt(variance), 1e-7), as in Keras. Mean and variance are given, or taken from
/// data by `adapt`; then they are variables that are not trained, 0 and 1 to begin with.
class NormalizationLayer : public Layer {
 public:
  explicit NormalizationLayer(NormalizationOptions options = {});
  std::string class_name() const override { return "Normalization"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

  /// Takes mean and variance of these data [rows, ...] in place of those that it had, and builds
  /// the layer where that is still to be done.
  void adapt(const Tensor& data);
  /// The same of data in pieces: `next` gives one after the other, and false at the end.
  void adapt(const std::function<bool(Tensor&)>& next);

 protected:
  void build_variables(const std::vector<TensorType>& inputs) override;
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  bool given() const { return options_.mean.defined(); }
  // The axes that are kept, ascending, and their sizes.
  std::vector<int64_t> kept_of(const Shape& shape) const;
  Value along(const Value& moment, const Shape& shape) const;

  NormalizationOptions options_;
  VariablePtr mean_, variance_;
};

LayerRef Normalization(NormalizationOptions options = {});

}  // namespace andiron::nn
