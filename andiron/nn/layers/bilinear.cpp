#include "andiron/nn/layers/bilinear.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/activation.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

namespace {

Json config_of(const std::optional<Initializer>& initializer) {
  return initializer ? initializer->config() : Json();
}

std::optional<Initializer> initializer_of(const Json& config, const char* key) {
  if (!config.contains(key) || config.at(key).is_null()) return std::nullopt;
  return Initializer::from_config(config.at(key));
}

}  // namespace

BilinearLayer::BilinearLayer(int64_t units, BilinearOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}),
      units_(units),
      options_(std::move(options)) {
  if (units <= 0) fail("[Bilinear] units must be positive; got {}", units);
  check_activation(options_.activation);
}

Json BilinearLayer::config() const {
  Json config = Layer::config();
  config["units"] = units_;
  config["activation"] = options_.activation.empty() ? "linear" : options_.activation;
  config["use_bias"] = options_.use_bias;
  config["kernel_initializer"] = config_of(options_.kernel_initializer);
  config["bias_initializer"] = config_of(options_.bias_initializer);
  config["kernel_regularizer"] = options_.kernel_regularizer.config();
  config["bias_regularizer"] = options_.bias_regularizer.config();
  return config;
}

LayerPtr BilinearLayer::from_config(const Json& config) {
  BilinearOptions o;
  o.activation = config.value("activation", o.activation);
  o.use_bias = config.value("use_bias", o.use_bias);
  o.kernel_initializer = initializer_of(config, "kernel_initializer");
  o.bias_initializer = initializer_of(config, "bias_initializer");
  o.kernel_regularizer = Regularizer::from_config(config.value("kernel_regularizer", Json()));
  o.bias_regularizer = Regularizer::from_config(config.value("bias_regularizer", Json()));
  return std::make_shared<BilinearLayer>(config.at("units").get<int64_t>(), o);
}

void BilinearLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 2);
  Sizes sizes = {units_};
  for (const TensorType& type : inputs) {
    if (type.shape.rank() != 2 || !type.shape[1].known())
      reject(fmt::format("needs two inputs [batch, features]; got {} and {}", inputs[0].shape.str(),
                         inputs[1].shape.str()));
    sizes.push_back(type.shape[1].size());
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(std::max<int64_t>(1, sizes[1])));
  const Initializer torchs = RandomUniform(-bound, bound);
  kernel_ = add_weight("kernel", sizes, options_.kernel_initializer.value_or(torchs),
                       options_.kernel_regularizer);
  if (options_.use_bias)
    bias_ = add_weight("bias", {units_}, options_.bias_initializer.value_or(torchs),
                       options_.bias_regularizer);
}

std::vector<Value> BilinearLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 2);
  const Sizes& sizes = kernel_->value().sizes();
  for (size_t i = 0; i < 2; ++i)
    if (inputs[i].rank() != 2 || !(inputs[i].shape()[1] == Dim(sizes[i + 1])))
      reject(fmt::format("was built for {} and {} features; got {} and {}", sizes[1], sizes[2],
                         inputs[0].shape().str(), inputs[1].shape().str()));
  // [n1, units * n2]: one product of matrices, then a sum along n2.
  const Value kernel = ops::reshape(ops::transpose(read(kernel_), {1, 0, 2}),
                                    {Dim(sizes[1]), Dim(units_ * sizes[2])});
  const Value products = ops::reshape(ops::matmul(inputs[0], kernel),
                                      {inputs[0].shape()[0], Dim(units_), Dim(sizes[2])});
  Value y = ops::sum(products * ops::expand_dims(inputs[1], 1), {2});
  if (bias_) y = y + read(bias_);
  return {apply_activation(options_.activation, y)};
}

LayerRef Bilinear(int64_t units, BilinearOptions options) {
  return std::make_shared<BilinearLayer>(units, std::move(options));
}

}  // namespace andiron::nn
