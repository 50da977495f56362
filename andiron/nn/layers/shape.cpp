#include "andiron/nn/layers/shape.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

LayerPtr FlattenLayer::from_config(const nlohmann::json& config) {
  const auto format = config.value("data_format", std::string("channels_last"));
  if (format != "channels_last" && format != "channels_first")
    fail("[Flatten] data_format is channels_last or channels_first; got '{}'", format);
  return std::make_shared<FlattenLayer>(LayerOptions{}, format == "channels_first");
}

nlohmann::json FlattenLayer::config() const {
  nlohmann::json config = Layer::config();
  config["data_format"] = channels_first_ ? "channels_first" : "channels_last";
  return config;
}

std::vector<Value> FlattenLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape();
  if (shape.empty()) reject("needs a batch axis; got a scalar");
  Value x = inputs[0];
  if (channels_first_ && x.rank() > 2) {
    std::vector<int64_t> axes = {0};
    for (int64_t axis = 2; axis < x.rank(); ++axis) axes.push_back(axis);
    axes.push_back(1);
    x = ops::transpose(x, axes);
  }
  return {ops::reshape(x, {shape[0], shape.count() / shape[0]})};
}

ReshapeLayer::ReshapeLayer(std::vector<int64_t> target_shape, LayerOptions options)
    : Layer(std::move(options)), target_shape_(std::move(target_shape)) {
  const auto unknown = std::count(target_shape_.begin(), target_shape_.end(), -1);
  const bool negative = std::any_of(target_shape_.begin(), target_shape_.end(),
                                    [](int64_t size) { return size < -1; });
  if (unknown > 1 || negative)
    fail("[Reshape] target_shape has sizes, one of which may be -1; got {}", str(target_shape_));
}

nlohmann::json ReshapeLayer::config() const {
  nlohmann::json config = Layer::config();
  config["target_shape"] = target_shape_;
  return config;
}

LayerPtr ReshapeLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<ReshapeLayer>(config.at("target_shape").get<std::vector<int64_t>>());
}

std::vector<Value> ReshapeLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape();
  if (shape.empty()) reject("needs a batch axis; got a scalar");
  const Dim row = shape.count() / shape[0];
  int64_t given = 1;
  for (int64_t size : target_shape_)
    if (size != -1) given *= size;
  const bool open = std::count(target_shape_.begin(), target_shape_.end(), -1) == 1;
  if (row.known() && (open ? given == 0 || row.size() % given != 0 : row.size() != given))
    reject(fmt::format("{} elements of a sample {} do not make {}", row.size(), shape.str(),
                       str(target_shape_)));
  Shape target = {shape[0]};
  for (int64_t size : target_shape_) target.push_back(size == -1 ? row / Dim(given) : Dim(size));
  return {ops::reshape(inputs[0], target)};
}

PermuteLayer::PermuteLayer(std::vector<int64_t> dims, LayerOptions options)
    : Layer(std::move(options)), dims_(std::move(dims)) {
  std::vector<int64_t> sorted = dims_;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int64_t>(i) + 1)
      fail("[Permute] dims must have each of 1 to {} once; got {}", dims_.size(), str(dims_));
}

nlohmann::json PermuteLayer::config() const {
  nlohmann::json config = Layer::config();
  config["dims"] = dims_;
  return config;
}

LayerPtr PermuteLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<PermuteLayer>(config.at("dims").get<std::vector<int64_t>>());
}

std::vector<Value> PermuteLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape();
  if (shape.rank() != static_cast<int64_t>(dims_.size()) + 1)
    reject(fmt::format("needs a batch axis and {} more; got {}", dims_.size(), shape.str()));
  std::vector<int64_t> axes = {0};
  axes.insert(axes.end(), dims_.begin(), dims_.end());
  return {ops::transpose(inputs[0], axes)};
}

RepeatVectorLayer::RepeatVectorLayer(int64_t n, LayerOptions options)
    : Layer(std::move(options)), n_(n) {
  if (n < 1) fail("[RepeatVector] n must be positive; got {}", n);
}

nlohmann::json RepeatVectorLayer::config() const {
  nlohmann::json config = Layer::config();
  config["n"] = n_;
  return config;
}

LayerPtr RepeatVectorLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<RepeatVectorLayer>(config.at("n").get<int64_t>());
}

std::vector<Value> RepeatVectorLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape();
  if (shape.rank() != 2) reject(fmt::format("needs [batch, features]; got {}", shape.str()));
  return {ops::broadcast_to(ops::expand_dims(inputs[0], 1), {shape[0], Dim(n_), shape[1]})};
}

LayerRef Permute(std::vector<int64_t> dims, LayerOptions options) {
  return std::make_shared<PermuteLayer>(std::move(dims), std::move(options));
}
LayerRef Flatten(LayerOptions options) {
  return std::make_shared<FlattenLayer>(std::move(options));
}
LayerRef RepeatVector(int64_t n, LayerOptions options) {
  return std::make_shared<RepeatVectorLayer>(n, std::move(options));
}
LayerRef Reshape(std::vector<int64_t> target_shape, LayerOptions options) {
  return std::make_shared<ReshapeLayer>(std::move(target_shape), std::move(options));
}

}  // namespace andiron::nn
