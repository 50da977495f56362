#pragma once

#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct SpatialEndsOptions {
  std::string data_format = "channels_first";
  std::string name = {};
};
using CroppingOptions = SpatialEndsOptions;
using ZeroPaddingOptions = SpatialEndsOptions;

/// A number of places at both ends of each spatial axis, which are cut off or added.
class SpatialEndsLayer : public Layer {
 public:
  /// One (begin, end) for each spatial axis.
  using Ends = std::vector<std::vector<int64_t>>;
  std::string class_name() const override;
  nlohmann::json config() const override;

 protected:
  /// `kind` is the class's name without "2D", `setting` that of the numbers in the configuration.
  SpatialEndsLayer(const char* kind, const char* setting, int64_t rank, Ends ends,
                   SpatialEndsOptions options);
  static SpatialEndsOptions options_from(const nlohmann::json& config);
  /// The axis of the first of the spatial ones. Rejects inputs of another rank.
  size_t first_axis(const std::vector<Value>& inputs) const;

  const char *kind_, *setting_;
  int64_t rank_;
  Ends ends_;
  SpatialEndsOptions options_;
};

/// Cuts places off the ends of the spatial axes.
class CroppingLayer : public SpatialEndsLayer {
 public:
  CroppingLayer(int64_t rank, Ends cropping, CroppingOptions options);
  template <int64_t rank>
  static LayerPtr from_config(const nlohmann::json& config) {
    return from_config(rank, config);
  }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  static LayerPtr from_config(int64_t rank, const nlohmann::json& config);
};

/// Zeros around the spatial axes.
class ZeroPaddingLayer : public SpatialEndsLayer {
 public:
  ZeroPaddingLayer(int64_t rank, Ends padding, ZeroPaddingOptions options);
  template <int64_t rank>
  static LayerPtr from_config(const nlohmann::json& config) {
    return from_config(rank, config);
  }

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  static LayerPtr from_config(int64_t rank, const nlohmann::json& config);
};

/// Ends of each axis: {{begin, end}, ...}; {{n}} for n on all sides.
LayerRef Cropping1D(CroppingLayer::Ends cropping = {{1}}, CroppingOptions options = {});
LayerRef Cropping2D(CroppingLayer::Ends cropping = {{0}}, CroppingOptions options = {});
LayerRef Cropping3D(CroppingLayer::Ends cropping = {{1}}, CroppingOptions options = {});
LayerRef ZeroPadding1D(ZeroPaddingLayer::Ends padding = {{1}}, ZeroPaddingOptions options = {});
LayerRef ZeroPadding2D(ZeroPaddingLayer::Ends padding = {{1}}, ZeroPaddingOptions options = {});
LayerRef ZeroPadding3D(ZeroPaddingLayer::Ends padding = {{1}}, ZeroPaddingOptions options = {});

}  // namespace andiron::nn
