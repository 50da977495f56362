#include "andiron/nn/layers/cropping.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/axis_settings.hpp"
#include "andiron/nn/layers/data_format.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;
using Ints = std::vector<int64_t>;

namespace {

std::string class_name_of(int64_t rank) { return fmt::format("Cropping{}D", rank); }

}  // namespace

CroppingLayer::CroppingLayer(int64_t rank, Ends cropping, CroppingOptions options)
    : Layer({.name = options.name}),
      rank_(rank),
      cropping_(ends_of_axes(class_name_of(rank), "cropping", std::move(cropping), rank)),
      options_(std::move(options)) {
  check_data_format(class_name().c_str(), options_.data_format);
}

std::string CroppingLayer::class_name() const { return class_name_of(rank_); }

Json CroppingLayer::config() const {
  Json config = Layer::config();
  config["cropping"] = rank_ == 1 ? Json(cropping_[0]) : Json(cropping_);
  config["data_format"] = options_.data_format;
  return config;
}

LayerPtr CroppingLayer::from_config(int64_t rank, const Json& config) {
  CroppingOptions o;
  o.data_format = config.value("data_format", o.data_format);
  return std::make_shared<CroppingLayer>(rank,
                                         ends_from(config, "cropping", rank, rank == 2 ? 0 : 1), o);
}

std::vector<Value> CroppingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape();
  if (shape.rank() != rank_ + 2)
    reject(fmt::format("needs a batch, channels and {} spatial axes; got {}", rank_, shape.str()));
  const size_t first = options_.data_format == "channels_first" ? 2 : 1;
  Ints begin(shape.size(), 0), size(shape.size(), -1);
  for (size_t i = 0; i < cropping_.size(); ++i) {
    const Dim& length = shape[first + i];
    if (!length.known())
      reject(fmt::format("the sizes of the spatial axes must be known; got {}", shape.str()));
    begin[first + i] = cropping_[i][0];
    size[first + i] = length.size() - cropping_[i][0] - cropping_[i][1];
    if (size[first + i] < 1)
      reject(fmt::format("({}, {}) leaves nothing of axis {} of {}", cropping_[i][0],
                         cropping_[i][1], first + i, shape.str()));
  }
  return {ops::slice(inputs[0], begin, size)};
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

}  // namespace andiron::nn
