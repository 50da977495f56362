#include "andiron/nn/layers/image.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/data_format.hpp"
#include "andiron/nn/layers/noise_shape.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/ops/conv/window.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;
using Ints = std::vector<int64_t>;

namespace {

void expect_rank(const Value& x, int64_t rank, const std::string& layer) {
  if (x.rank() != rank + 2)
    fail("[{}] needs a batch, channels and {} spatial axes; got {}", layer, rank, x.shape().str());
}

}  // namespace

UpSamplingLayer::UpSamplingLayer(int64_t rank, Ints size, UpSamplingOptions options)
    : Layer({.name = options.name}),
      rank_(rank),
      size_(std::move(size)),
      options_(std::move(options)) {
  const std::string name = class_name();
  if (size_.size() == 1) size_.assign(static_cast<size_t>(rank), size_[0]);
  if (static_cast<int64_t>(size_.size()) != rank ||
      std::any_of(size_.begin(), size_.end(), [](int64_t n) { return n < 1; }))
    fail("[{}] size needs a positive factor for each of {} axes; got {}", name, rank, str(size_));
  const std::string& mode = options_.interpolation;
  if (mode != "nearest" && mode != "bilinear" && mode != "bicubic")
    fail("[{}] interpolation is nearest, bilinear or bicubic; got '{}'", name, mode);
  check_data_format(name.c_str(), options_.data_format);
}

std::string UpSamplingLayer::class_name() const { return fmt::format("UpSampling{}D", rank_); }

Json UpSamplingLayer::config() const {
  Json config = Layer::config();
  config["size"] = rank_ == 1 ? Json(size_[0]) : Json(size_);
  config["data_format"] = options_.data_format;
  config["interpolation"] = options_.interpolation;
  return config;
}

LayerPtr UpSamplingLayer::from_config(int64_t rank, const Json& config) {
  UpSamplingOptions o;
  o.data_format = config.value("data_format", o.data_format);
  o.interpolation = config.value("interpolation", o.interpolation);
  Ints size = {2};
  if (config.contains("size"))
    size = config.at("size").is_array() ? config.at("size").get<Ints>()
                                        : Ints{config.at("size").get<int64_t>()};
  return std::make_shared<UpSamplingLayer>(rank, size, o);
}

std::vector<Value> UpSamplingLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  expect_rank(inputs[0], rank_, class_name());
  const Value x = to_channels_first(inputs[0], options_.data_format);
  Ints sizes = ops::spatial_sizes("UpSampling", x.shape());
  for (size_t i = 0; i < sizes.size(); ++i)
    if (__builtin_mul_overflow(sizes[i], size_[i], &sizes[i]) || sizes[i] > INT32_MAX)
      reject(fmt::format("the result of {} would be too large", x.shape().str()));
  const std::string mode = options_.interpolation == "nearest"    ? "nearest"
                           : options_.interpolation == "bilinear" ? "linear"
                                                                  : "cubic";
  const std::string coordinates = mode == "nearest" ? "asymmetric" : "half_pixel";
  return {from_channels_first(ops::resize(x, sizes, {.mode = mode, .coordinates = coordinates}),
                              options_.data_format)};
}

SpatialDropoutLayer::SpatialDropoutLayer(int64_t rank, double rate, SpatialDropoutOptions options)
    : Layer({.name = options.name}),
      rank_(rank),
      rate_(rate),
      seed_(options.seed ? *options.seed : next_seed()),
      options_(std::move(options)) {
  const std::string name = class_name();
  if (!(rate >= 0.0 && rate < 1.0)) fail("[{}] rate must be in [0, 1); got {}", name, rate);
  check_data_format(name.c_str(), options_.data_format);
}

std::string SpatialDropoutLayer::class_name() const {
  return fmt::format("SpatialDropout{}D", rank_);
}

Json SpatialDropoutLayer::config() const {
  Json config = Layer::config();
  config["rate"] = rate_;
  config["seed"] = seed_;
  config["data_format"] = options_.data_format;
  return config;
}

LayerPtr SpatialDropoutLayer::from_config(int64_t rank, const Json& config) {
  SpatialDropoutOptions o;
  o.data_format = config.value("data_format", o.data_format);
  o.seed = seed_of(config);
  return std::make_shared<SpatialDropoutLayer>(rank, config.at("rate").get<double>(), o);
}

std::vector<Value> SpatialDropoutLayer::compute(const std::vector<Value>& inputs,
                                                CallContext& context) {
  expect_inputs(inputs.size(), 1);
  const Value& x = inputs[0];
  expect_rank(x, rank_, class_name());
  if (!context.training || rate_ == 0.0) return inputs;
  Shape shape(x.shape().size(), Dim(1));
  const size_t channels = options_.data_format == "channels_first" ? 1 : shape.size() - 1;
  shape[0] = x.shape()[0];
  shape[channels] = x.shape()[channels];
  const Value draws = ops::random_uniform(shape, context.step, context.draw_seed(seed_));
  const Value keep = ops::greater_equal(draws, constant(rate_));
  return {ops::where(keep, x * (1.0 / (1.0 - rate_)), constant(0.0, x.dtype()))};
}

LocalResponseNormalizationLayer::LocalResponseNormalizationLayer(LrnOptions options)
    : Layer({.name = options.name}), options_(std::move(options)) {
  if (options_.size < 1)
    fail("[LocalResponseNormalization] size must be positive; got {}", options_.size);
  check_data_format("LocalResponseNormalization", options_.data_format);
}

Json LocalResponseNormalizationLayer::config() const {
  Json config = Layer::config();
  config["size"] = options_.size;
  config["alpha"] = options_.alpha;
  config["beta"] = options_.beta;
  config["bias"] = options_.bias;
  config["data_format"] = options_.data_format;
  return config;
}

LayerPtr LocalResponseNormalizationLayer::from_config(const Json& config) {
  LrnOptions o;
  o.size = config.value("size", o.size);
  o.alpha = config.value("alpha", o.alpha);
  o.beta = config.value("beta", o.beta);
  o.bias = config.value("bias", o.bias);
  o.data_format = config.value("data_format", o.data_format);
  return std::make_shared<LocalResponseNormalizationLayer>(o);
}

std::vector<Value> LocalResponseNormalizationLayer::compute(const std::vector<Value>& inputs,
                                                            CallContext&) {
  expect_inputs(inputs.size(), 1);
  const int64_t axis = options_.data_format == "channels_first" ? 1 : -1;
  return {ops::lrn(inputs[0], options_.size, options_.alpha, options_.beta, options_.bias, axis)};
}

LayerRef UpSampling1D(int64_t size, UpSamplingOptions options) {
  return std::make_shared<UpSamplingLayer>(1, Ints{size}, std::move(options));
}
LayerRef UpSampling2D(Ints size, UpSamplingOptions options) {
  return std::make_shared<UpSamplingLayer>(2, std::move(size), std::move(options));
}
LayerRef UpSampling3D(Ints size, UpSamplingOptions options) {
  return std::make_shared<UpSamplingLayer>(3, std::move(size), std::move(options));
}
LayerRef SpatialDropout1D(double rate, SpatialDropoutOptions options) {
  return std::make_shared<SpatialDropoutLayer>(1, rate, std::move(options));
}
LayerRef SpatialDropout2D(double rate, SpatialDropoutOptions options) {
  return std::make_shared<SpatialDropoutLayer>(2, rate, std::move(options));
}
LayerRef SpatialDropout3D(double rate, SpatialDropoutOptions options) {
  return std::make_shared<SpatialDropoutLayer>(3, rate, std::move(options));
}
LayerRef LocalResponseNormalization(LrnOptions options) {
  return std::make_shared<LocalResponseNormalizationLayer>(std::move(options));
}

}  // namespace andiron::nn
