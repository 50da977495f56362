#include "andiron/nn/layers/spatial_ends.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/axis_settings.hpp"
#include "andiron/nn/layers/data_format.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;
using Ints = std::vector<int64_t>;

SpatialEndsLayer::SpatialEndsLayer(const char* kind, const char* setting, int64_t rank, Ends ends,
                                   SpatialEndsOptions options)
    : Layer({.name = options.name}),
      kind_(kind),
      setting_(setting),
      rank_(rank),
      ends_(ends_of_axes(fmt::format("{}{}D", kind, rank), setting, std::move(ends), rank)),
      options_(std::move(options)) {
  check_data_format(fmt::format("{}{}D", kind, rank).c_str(), options_.data_format);
}

std::string SpatialEndsLayer::class_name() const { return fmt::format("{}{}D", kind_, rank_); }

Json SpatialEndsLayer::config() const {
  Json config = Layer::config();
  config[setting_] = rank_ == 1 ? Json(ends_[0]) : Json(ends_);
  config["data_format"] = options_.data_format;
  return config;
}

SpatialEndsOptions SpatialEndsLayer::options_from(const Json& config) {
  SpatialEndsOptions o;
  o.data_format = config.value("data_format", o.data_format);
  return o;
}

size_t SpatialEndsLayer::first_axis(const std::vector<Value>& inputs) const {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape();
  if (shape.rank() != rank_ + 2)
    reject(fmt::format("needs a batch, channels and {} spatial axes; got {}", rank_, shape.str()));
  return options_.data_format == "channels_first" ? 2 : 1;
}

CroppingLayer::CroppingLayer(int64_t rank, Ends cropping, CroppingOptions options)
    : SpatialEndsLayer("Cropping", "cropping", rank, std::move(cropping), std::move(options)) {}

LayerPtr CroppingLayer::from_config(int64_t rank, const Json& config) {
  return std::make_shared<CroppingLayer>(
      rank, ends_from(config, "cropping", rank, rank == 2 ? 0 : 1), options_from(config));
}

std::vector<Value> CroppingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  const size_t first = first_axis(inputs);
  const Shape& shape = inputs[0].shape();
  Ints begin(shape.size(), 0), size(shape.size(), -1);
  for (size_t i = 0; i < ends_.size(); ++i) {
    const Dim& length = shape[first + i];
    if (!length.known())
      reject(fmt::format("the sizes of the spatial axes must be known; got {}", shape.str()));
    begin[first + i] = ends_[i][0];
    size[first + i] = length.size() - ends_[i][0] - ends_[i][1];
    if (size[first + i] < 1)
      reject(fmt::format("({}, {}) leaves nothing of axis {} of {}", ends_[i][0], ends_[i][1],
                         first + i, shape.str()));
  }
  return {ops::slice(inputs[0], begin, size)};
}

ZeroPaddingLayer::ZeroPaddingLayer(int64_t rank, Ends padding, ZeroPaddingOptions options)
    : SpatialEndsLayer("ZeroPadding", "padding", rank, std::move(padding), std::move(options)) {}

LayerPtr ZeroPaddingLayer::from_config(int64_t rank, const Json& config) {
  return std::make_shared<ZeroPaddingLayer>(rank, ends_from(config, "padding", rank, 1),
                                            options_from(config));
}

std::vector<Value> ZeroPaddingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  const size_t first = first_axis(inputs);
  Ints low(inputs[0].shape().size(), 0), high = low;
  for (size_t i = 0; i < ends_.size(); ++i) {
    low[first + i] = ends_[i][0];
    high[first + i] = ends_[i][1];
  }
  return {ops::pad(inputs[0], low, high)};
}

LayerRef Cropping1D(CroppingLayer::Ends cropping, CroppingOptions options) {
  return std::make_shared<CroppingLayer>(1, std::move(cropping), std::move(options));
}
LayerRef Cropping2D(CroppingLayer::Ends cropping, CroppingOptions options) {
  return std::make_shared<CroppingLayer>(2, std::move(cropping), std::move(options));
}
LayerRef Cropping3D(CroppingLayer::Ends cropping, CroppingOptions options) {
  return std::make_shared<CroppingLayer>(3, std::move(cropping), std::move(options));
}
LayerRef ZeroPadding1D(ZeroPaddingLayer::Ends padding, ZeroPaddingOptions options) {
  return std::make_shared<ZeroPaddingLayer>(1, std::move(padding), std::move(options));
}
LayerRef ZeroPadding2D(ZeroPaddingLayer::Ends padding, ZeroPaddingOptions options) {
  return std::make_shared<ZeroPaddingLayer>(2, std::move(padding), std::move(options));
}
LayerRef ZeroPadding3D(ZeroPaddingLayer::Ends padding, ZeroPaddingOptions options) {
  return std::make_shared<ZeroPaddingLayer>(3, std::move(padding), std::move(options));
}

}  // namespace andiron::nn
