#include "andiron/nn/layers/dense.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/activation.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

DenseLayer::DenseLayer(int64_t units, DenseOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}),
      units_(units),
      options_(std::move(options)) {
  if (units <= 0) fail("[Dense] units must be positive; got {}", units);
  check_activation(options_.activation);
}

nlohmann::json DenseLayer::config() const {
  nlohmann::json config = Layer::config();
  config["units"] = units_;
  config["activation"] = options_.activation.empty() ? "linear" : options_.activation;
  config["use_bias"] = options_.use_bias;
  config["kernel_initializer"] = options_.kernel_initializer.config();
  config["bias_initializer"] = options_.bias_initializer.config();
  config["kernel_regularizer"] = options_.kernel_regularizer.config();
  config["bias_regularizer"] = options_.bias_regularizer.config();
  config["activity_regularizer"] = options_.activity_regularizer.config();
  config["kernel_constraint"] = options_.kernel_constraint.config();
  config["bias_constraint"] = options_.bias_constraint.config();
  return config;
}

LayerPtr DenseLayer::from_config(const nlohmann::json& config) {
  DenseOptions options;
  options.activation = config.value("activation", options.activation);
  options.use_bias = config.value("use_bias", options.use_bias);
  options.kernel_initializer = Initializer::from_config(config.at("kernel_initializer"));
  options.bias_initializer = Initializer::from_config(config.at("bias_initializer"));
  options.kernel_regularizer = Regularizer::from_config(config.at("kernel_regularizer"));
  options.bias_regularizer = Regularizer::from_config(config.at("bias_regularizer"));
  options.activity_regularizer = Regularizer::from_config(config.at("activity_regularizer"));
  options.kernel_constraint = Constraint::from_config(config.value("kernel_constraint", Json()));
  options.bias_constraint = Constraint::from_config(config.value("bias_constraint", Json()));
  return std::make_shared<DenseLayer>(config.at("units").get<int64_t>(), options);
}

void DenseLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape;
  if (shape.rank() < 2)
    reject(
        fmt::format("needs inputs of rank 2 or more, [batch, ..., features]; got {}", shape.str()));
  if (!shape.back().known())
    reject(fmt::format("the last axis must have a known size; got {}", shape.str()));
  kernel_ = add_weight("kernel", {shape.back().size(), units_}, options_.kernel_initializer,
                       options_.kernel_regularizer);
  constrain(kernel_, options_.kernel_constraint);
  if (!options_.use_bias) return;
  bias_ = add_weight("bias", {units_}, options_.bias_initializer, options_.bias_regularizer);
  constrain(bias_, options_.bias_constraint);
}

std::vector<Value> DenseLayer::compute(const std::vector<Value>& inputs, CallContext& context) {
  expect_inputs(inputs.size(), 1);
  const Dim features = kernel_->value().size(0);
  Value x = inputs[0];
  if (x.rank() < 2 || !(x.shape().back() == features))
    reject(fmt::format("was built for {} features on the last axis; got {}", features.str(),
                       x.shape().str()));
  if (x.dtype() != DType::f32) x = ops::cast(x, DType::f32);
  const Value bias = bias_ ? read(bias_) : Value();
  const Value y = apply_activation(options_.activation, ops::dense(x, read(kernel_), bias));
  // Per sample, as Keras has it, so that its strength does not depend on the batch size.
  if (options_.activity_regularizer)
    context.losses.push_back(options_.activity_regularizer(y) / ops::count_of(y, {0}));
  return {y};
}

LayerRef Dense(int64_t units, DenseOptions options) {
  return std::make_shared<DenseLayer>(units, std::move(options));
}

}  // namespace andiron::nn
