#include "andiron/nn/layers/highway.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/activation.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

namespace {

template <class Options>
void describe_weights(Json& config, const Options& o) {
  config["use_bias"] = o.use_bias;
  config["kernel_initializer"] = o.kernel_initializer.config();
  config["bias_initializer"] = o.bias_initializer.config();
  config["kernel_regularizer"] = o.kernel_regularizer.config();
  config["bias_regularizer"] = o.bias_regularizer.config();
}

template <class Options>
void read_weights(const Json& config, Options& o) {
  o.use_bias = config.value("use_bias", o.use_bias);
  if (config.contains("kernel_initializer"))
    o.kernel_initializer = Initializer::from_config(config.at("kernel_initializer"));
  if (config.contains("bias_initializer"))
    o.bias_initializer = Initializer::from_config(config.at("bias_initializer"));
  o.kernel_regularizer = Regularizer::from_config(config.value("kernel_regularizer", Json()));
  o.bias_regularizer = Regularizer::from_config(config.value("bias_regularizer", Json()));
}

}  // namespace

HighwayLayer::HighwayLayer(HighwayOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}), options_(std::move(options)) {
  check_activation(options_.activation);
}

Json HighwayLayer::config() const {
  Json config = Layer::config();
  config["activation"] = options_.activation.empty() ? "linear" : options_.activation;
  config["transform_bias"] = options_.transform_bias;
  describe_weights(config, options_);
  return config;
}

LayerPtr HighwayLayer::from_config(const Json& config) {
  HighwayOptions o;
  o.activation = config.value("activation", o.activation);
  o.transform_bias = config.value("transform_bias", o.transform_bias);
  read_weights(config, o);
  return std::make_shared<HighwayLayer>(o);
}

void HighwayLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape;
  if (shape.rank() < 2 || !shape.back().known())
    reject(fmt::format("needs [batch, ..., features]; got {}", shape.str()));
  const int64_t n = shape.back().size();
  auto square = [&](const char* name) {
    return add_weight(name, {n, n}, options_.kernel_initializer, options_.kernel_regularizer);
  };
  kernel_ = square("kernel");
  gate_kernel_ = square("gate_kernel");
  if (!options_.use_bias) return;
  bias_ = add_weight("bias", {n}, options_.bias_initializer, options_.bias_regularizer);
  gate_bias_ =
      add_weight("gate_bias", {n}, Constant(options_.transform_bias), options_.bias_regularizer);
}

std::vector<Value> HighwayLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Value& x = inputs[0];
  if (!(x.shape().back() == Dim(kernel_->value().size(0))))
    reject(fmt::format("was built for {} features on the last axis; got {}",
                       kernel_->value().size(0), x.shape().str()));
  auto product = [&](const VariablePtr& kernel, const VariablePtr& bias) {
    return ops::dense(x, read(kernel), bias ? read(bias) : Value());
  };
  const Value gate = ops::sigmoid(product(gate_kernel_, gate_bias_));
  const Value y = apply_activation(options_.activation, product(kernel_, bias_));
  return {gate * y + (1.0 - gate) * x};
}

MaxoutDenseLayer::MaxoutDenseLayer(int64_t units, MaxoutDenseOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}),
      units_(units),
      options_(std::move(options)) {
  if (units <= 0) fail("[MaxoutDense] units must be positive; got {}", units);
  if (options_.nb_feature <= 0)
    fail("[MaxoutDense] nb_feature must be positive; got {}", options_.nb_feature);
}

Json MaxoutDenseLayer::config() const {
  Json config = Layer::config();
  config["units"] = units_;
  config["nb_feature"] = options_.nb_feature;
  describe_weights(config, options_);
  return config;
}

LayerPtr MaxoutDenseLayer::from_config(const Json& config) {
  MaxoutDenseOptions o;
  o.nb_feature = config.value("nb_feature", o.nb_feature);
  read_weights(config, o);
  return std::make_shared<MaxoutDenseLayer>(config.at("units").get<int64_t>(), o);
}

void MaxoutDenseLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape;
  if (shape.rank() != 2 || !shape[1].known())
    reject(fmt::format("needs [batch, features]; got {}", shape.str()));
  kernel_ = add_weight("kernel", {options_.nb_feature, shape[1].size(), units_},
                       options_.kernel_initializer, options_.kernel_regularizer);
  if (options_.use_bias)
    bias_ = add_weight("bias", {options_.nb_feature, units_}, options_.bias_initializer,
                       options_.bias_regularizer);
}

std::vector<Value> MaxoutDenseLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  const Value& x = inputs[0];
  const int64_t n = kernel_->value().size(1), k = options_.nb_feature;
  if (x.rank() != 2 || !(x.shape()[1] == Dim(n)))
    reject(fmt::format("was built for {} features; got {}", n, x.shape().str()));
  // One product with all functions side by side: [n, k * units].
  const Value kernel =
      ops::reshape(ops::transpose(read(kernel_), {1, 0, 2}), {Dim(n), Dim(k * units_)});
  Value all = ops::matmul(x, kernel);
  if (bias_) all = all + ops::reshape(read(bias_), {Dim(k * units_)});
  return {ops::max(ops::reshape(all, {x.shape()[0], Dim(k), Dim(units_)}), {1})};
}

LayerRef Highway(HighwayOptions options) {
  return std::make_shared<HighwayLayer>(std::move(options));
}
LayerRef MaxoutDense(int64_t units, MaxoutDenseOptions options) {
  return std::make_shared<MaxoutDenseLayer>(units, std::move(options));
}

}  // namespace andiron::nn
