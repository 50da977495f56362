#pragma once

#include <functional>
#include <string>
#include <vector>

#include "andiron/nn/layers/encoding.hpp"
#include "andiron/nn/settled.hpp"

namespace andiron::nn {

struct DiscretizationOptions {
  std::vector<double> bin_boundaries = {};  ///< ascending; or num_bins and `adapt`
  int64_t num_bins = 0;
  double epsilon = 0.01;  ///< how far a boundary's rank may be from its quantile's
  std::string output_mode = "int";
  std::string name = {};
};

/// Numbers as the ids of intervals: how many boundaries are not above the number. NaN is in the
/// last one. Boundaries are given, or those of quantiles that `adapt` finds; a network that has
/// been traced keeps them.
class DiscretizationLayer : public Layer, public Settles {
 public:
  explicit DiscretizationLayer(DiscretizationOptions options);
  std::string class_name() const override { return "Discretization"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);
  void settle() override;

  /// Takes the quantiles of all numbers of the pieces that `next` gives, until it says false.
  void adapt(const std::function<bool(Tensor&)>& next);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  DiscretizationOptions options_;
  OutputMode mode_;
  bool settled_ = false;
};

LayerRef Discretization(DiscretizationOptions options);

}  // namespace andiron::nn
