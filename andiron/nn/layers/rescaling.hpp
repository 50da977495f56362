#pragma once

#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

struct RescalingOptions {
  std::vector<double> offset = {0.0};  ///< one number, or one for each channel
  std::string data_format = "channels_first";
  std::string name = {};
};

/// x * scale + offset, in float32. scale: one number, or one for each channel.
class RescalingLayer : public Layer {
 public:
  explicit RescalingLayer(std::vector<double> scale, RescalingOptions options = {});
  std::string class_name() const override { return "Rescaling"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  Value along(const std::vector<double>& numbers, const Shape& shape) const;

  std::vector<double> scale_;
  RescalingOptions options_;
};

struct ResizingOptions {
  std::string interpolation = "bilinear";  ///< or "nearest", "bicubic"
  /// Cut the middle out, or pad, so that the images keep their aspect ratio. Not both.
  bool crop_to_aspect_ratio = false, pad_to_aspect_ratio = false;
  double fill_value = 0.0;
  bool antialias = false;
  std::string data_format = "channels_first";
  std::string name = {};
};

/// Images [batch, channels, h, w] of another size, in float32.
class ResizingLayer : public Layer {
 public:
  ResizingLayer(int64_t height, int64_t width, ResizingOptions options = {});
  std::string class_name() const override { return "Resizing"; }
  nlohmann::json config() const override;
  static LayerPtr from_config(const nlohmann::json& config);

 protected:
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override;

 private:
  Value resized(const Value& x, int64_t height, int64_t width) const;

  int64_t height_, width_;
  ResizingOptions options_;
};

LayerRef Rescaling(std::vector<double> scale, RescalingOptions options = {});
LayerRef Resizing(int64_t height, int64_t width, ResizingOptions options = {});

}  // namespace andiron::nn
