#pragma once

#include <optional>
#include <vector>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct DropoutOptions {
  std::optional<int64_t> seed = {};
  /// Sizes of the draws, 1 where an axis shares them, -1 for the input's; empty: the input's shape.
  std::vector<int64_t> noise_shape = {};
  std::string name = {};
};

/// In training: zero with probability `rate`, else x / (1 - rate). In inference: x.
/// Srivastava et al. 2014. The draws depend on seed, step and element only.
class DropoutLayer : public Layer {
 public:
  explicit DropoutLayer(double rate, DropoutOptions options = {});
  std::string class_name() const override { return "Dropout"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  Value shared_draws(const Value& x, CallContext& context) const;

  double rate_;
  int64_t seed_;
  std::vector<int64_t> noise_shape_;
};

LayerRef Dropout(double rate, DropoutOptions options = {});

}  // namespace andiron::nn
