#pragma once

#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct CroppingOptions {
  std::string data_format = "channels_first";
  std::string name = {};
};

/// Cuts places off the ends of the spatial axes.
class CroppingLayer : public Layer {
 public:
  /// One (begin, end) for each spatial axis.
  using Ends = std::vector<std::vector<int64_t>>;
  CroppingLayer(int64_t rank, Ends cropping, CroppingOptions options);
  std::string class_name() const override;
  nlohmann::json config() const override;
  template <int64_t rank>
  static LayerPtr from_config(const nlohmann::json& config) {
    return from_config(rank, config);
  }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  static LayerPtr from_config(int64_t rank, const nlohmann::json& config);
  int64_t rank_;
  Ends cropping_;
  CroppingOptions options_;
};

/// Ends of each axis: {{begin, end}, ...}; {{n}} for n on all sides.
LayerRef Cropping1D(CroppingLayer::Ends cropping = {{1}}, CroppingOptions options = {});
LayerRef Cropping2D(CroppingLayer::Ends cropping = {{0}}, CroppingOptions options = {});
LayerRef Cropping3D(CroppingLayer::Ends cropping = {{1}}, CroppingOptions options = {});

}  // namespace andiron::nn
