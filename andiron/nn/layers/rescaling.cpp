#include "andiron/nn/layers/rescaling.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/data_format.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

namespace {

Json as_given(const std::vector<double>& numbers) {
  return numbers.size() == 1 ? Json(numbers[0]) : Json(numbers);
}

std::vector<double> numbers_of(const Json& config, const char* key) {
  if (!config.contains(key)) return {0.0};
  const Json& given = config.at(key);
  return given.is_array() ? given.get<std::vector<double>>()
                          : std::vector<double>{given.get<double>()};
}

Value as_f32(const Value& x) { return x.dtype() == DType::f32 ? x : ops::cast(x, DType::f32); }

}  // namespace

RescalingLayer::RescalingLayer(std::vector<double> scale, RescalingOptions options)
    : Layer({.name = options.name}), scale_(std::move(scale)), options_(std::move(options)) {
  if (scale_.empty() || options_.offset.empty())
    fail("[Rescaling] scale and offset are a number, or one for each channel");
  check_data_format("Rescaling", options_.data_format);
}

Json RescalingLayer::config() const {
  Json config = Layer::config();
  config["scale"] = as_given(scale_);
  config["offset"] = as_given(options_.offset);
  config["data_format"] = options_.data_format;
  return config;
}

LayerPtr RescalingLayer::from_config(const Json& config) {
  RescalingOptions o;
  o.offset = numbers_of(config, "offset");
  o.data_format = config.value("data_format", o.data_format);
  return std::make_shared<RescalingLayer>(numbers_of(config, "scale"), o);
}

Value RescalingLayer::along(const std::vector<double>& numbers, const Shape& shape) const {
  if (numbers.size() == 1) return constant(numbers[0]);
  const auto n = static_cast<int64_t>(numbers.size());
  const bool first = options_.data_format == "channels_first";
  if (shape.rank() < 2 || !(shape[first ? 1 : shape.size() - 1] == Dim(n)))
    reject(fmt::format("has {} numbers, one for each channel; got {}", n, shape.str()));
  Tensor t(DType::f32, {n});
  std::copy(numbers.begin(), numbers.end(), t.data<float>());
  if (!first) return constant(t);
  Shape wide(shape.size() - 1, Dim(1));
  wide[0] = Dim(n);
  return ops::reshape(constant(t), wide);
}

std::vector<Value> RescalingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Value x = as_f32(inputs[0]);
  return {x * along(scale_, x.shape()) + along(options_.offset, x.shape())};
}

ResizingLayer::ResizingLayer(int64_t height, int64_t width, ResizingOptions options)
    : Layer({.name = options.name}), height_(height), width_(width), options_(std::move(options)) {
  if (height < 1 || width < 1)
    fail("[Resizing] height and width must be positive; got {} and {}", height, width);
  const std::string& mode = options_.interpolation;
  if (mode != "nearest" && mode != "bilinear" && mode != "bicubic")
    fail("[Resizing] interpolation is nearest, bilinear or bicubic; got '{}'", mode);
  if (options_.crop_to_aspect_ratio && options_.pad_to_aspect_ratio)
    fail("[Resizing] crops or pads to the aspect ratio, not both");
  check_data_format("Resizing", options_.data_format);
}

Json ResizingLayer::config() const {
  Json config = Layer::config();
  config["height"] = height_;
  config["width"] = width_;
  config["interpolation"] = options_.interpolation;
  config["crop_to_aspect_ratio"] = options_.crop_to_aspect_ratio;
  config["pad_to_aspect_ratio"] = options_.pad_to_aspect_ratio;
  config["fill_value"] = options_.fill_value;
  config["antialias"] = options_.antialias;
  config["data_format"] = options_.data_format;
  return config;
}

LayerPtr ResizingLayer::from_config(const Json& config) {
  ResizingOptions o;
  o.interpolation = config.value("interpolation", o.interpolation);
  o.crop_to_aspect_ratio = config.value("crop_to_aspect_ratio", false);
  o.pad_to_aspect_ratio = config.value("pad_to_aspect_ratio", false);
  o.fill_value = config.value("fill_value", o.fill_value);
  o.antialias = config.value("antialias", false);
  o.data_format = config.value("data_format", o.data_format);
  return std::make_shared<ResizingLayer>(config.at("height").get<int64_t>(),
                                         config.at("width").get<int64_t>(), o);
}

Value ResizingLayer::resized(const Value& x, int64_t height, int64_t width) const {
  // The window, or the frame, that has the result's aspect ratio.
  const int64_t other_height = width * height_ / width_, other_width = height * width_ / height_;
  Value y = x;
  if (options_.crop_to_aspect_ratio) {
    const int64_t h = std::max<int64_t>(1, std::min(height, other_height));
    const int64_t w = std::max<int64_t>(1, std::min(width, other_width));
    y = ops::slice(x, {0, 0, (height - h) / 2, (width - w) / 2}, {-1, -1, h, w});
  } else if (options_.pad_to_aspect_ratio) {
    const int64_t h = (std::max(height, other_height) - height) / 2;
    const int64_t w = (std::max(width, other_width) - width) / 2;
    y = ops::pad(x, {0, 0, h, w}, {0, 0, h, w}, options_.fill_value);
  }
  ops::ResizeOptions o;
  o.mode = options_.interpolation == "nearest"    ? "nearest"
           : options_.interpolation == "bilinear" ? "linear"
                                                  : "cubic";
  o.rounding = "round_prefer_ceil";  // of nearest: the source pixel that holds the centre
  o.antialias = options_.antialias && o.mode != "nearest";
  return ops::resize(y, {height_, width_}, o);
}

std::vector<Value> ResizingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  if (inputs[0].rank() != 4)
    reject(fmt::format("needs a batch of images, of rank 4; got {}", inputs[0].shape().str()));
  const Value x = to_channels_first(as_f32(inputs[0]), options_.data_format);
  const Dim height = x.shape()[2], width = x.shape()[3];
  if (!height.known() || !width.known())
    reject(fmt::format("the images' sizes must be known; got {}", inputs[0].shape().str()));
  return {from_channels_first(resized(x, height.size(), width.size()), options_.data_format)};
}

LayerRef Rescaling(std::vector<double> scale, RescalingOptions options) {
  return std::make_shared<RescalingLayer>(std::move(scale), std::move(options));
}
LayerRef Resizing(int64_t height, int64_t width, ResizingOptions options) {
  return std::make_shared<ResizingLayer>(height, width, std::move(options));
}

}  // namespace andiron::nn
