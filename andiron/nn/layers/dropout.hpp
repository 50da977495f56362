#pragma once

#include <optional>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct DropoutOptions {
  std::optional<int64_t> seed = {};
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
  double rate_;
  int64_t seed_;
};

LayerRef Dropout(double rate, DropoutOptions options = {});

}  // namespace andiron::nn
