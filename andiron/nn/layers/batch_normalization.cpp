#include "andiron/nn/layers/batch_normalization.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

BatchNormalizationLayer::BatchNormalizationLayer(BatchNormalizationOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}), options_(std::move(options)) {
  if (!(options_.momentum >= 0.0 && options_.momentum <= 1.0))
    fail("[BatchNormalization] momentum must be in [0, 1]; got {}", options_.momentum);
  if (!(options_.epsilon >= 0.0))
    fail("[BatchNormalization] epsilon must not be negative; got {}", options_.epsilon);
}

Json BatchNormalizationLayer::config() const {
  Json config = Layer::config();
  config["axis"] = options_.axis;
  config["momentum"] = options_.momentum;
  config["epsilon"] = options_.epsilon;
  config["center"] = options_.center;
  config["scale"] = options_.scale;
  config["beta_initializer"] = options_.beta_initializer.config();
  config["gamma_initializer"] = options_.gamma_initializer.config();
  config["moving_mean_initializer"] = options_.moving_mean_initializer.config();
  config["moving_variance_initializer"] = options_.moving_variance_initializer.config();
  config["beta_regularizer"] = options_.beta_regularizer.config();
  config["gamma_regularizer"] = options_.gamma_regularizer.config();
  config["beta_constraint"] = options_.beta_constraint.config();
  config["gamma_constraint"] = options_.gamma_constraint.config();
  return config;
}

LayerPtr BatchNormalizationLayer::from_config(const Json& config) {
  BatchNormalizationOptions o;
  auto read = [&]<class T>(const char* key, T& target) {
    if (config.contains(key)) target = T::from_config(config.at(key));
  };
  o.axis = config.value("axis", o.axis);
  o.momentum = config.value("momentum", o.momentum);
  o.epsilon = config.value("epsilon", o.epsilon);
  o.center = config.value("center", o.center);
  o.scale = config.value("scale", o.scale);
  read("beta_initializer", o.beta_initializer);
  read("gamma_initializer", o.gamma_initializer);
  read("moving_mean_initializer", o.moving_mean_initializer);
  read("moving_variance_initializer", o.moving_variance_initializer);
  read("beta_regularizer", o.beta_regularizer);
  read("gamma_regularizer", o.gamma_regularizer);
  read("beta_constraint", o.beta_constraint);
  read("gamma_constraint", o.gamma_constraint);
  return std::make_shared<BatchNormalizationLayer>(o);
}

int64_t BatchNormalizationLayer::axis_of(const Shape& shape) const {
  const int64_t axis = options_.axis < 0 ? options_.axis + shape.rank() : options_.axis;
  if (axis < 1 || axis >= shape.rank())
    reject(
        fmt::format("axis {} must be one of {} that is not the batch", options_.axis, shape.str()));
  if (!shape[static_cast<size_t>(axis)].known())
    reject(fmt::format("the size of axis {} must be known; got {}", axis, shape.str()));
  return axis;
}

void BatchNormalizationLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape;
  const Sizes sizes = {shape[static_cast<size_t>(axis_of(shape))].size()};
  if (options_.scale) {
    gamma_ = add_weight("gamma", sizes, options_.gamma_initializer, options_.gamma_regularizer);
    constrain(gamma_, options_.gamma_constraint);
  }
  if (options_.center) {
    beta_ = add_weight("beta", sizes, options_.beta_initializer, options_.beta_regularizer);
    constrain(beta_, options_.beta_constraint);
  }
  mean_ = add_weight("moving_mean", sizes, options_.moving_mean_initializer, {}, false);
  variance_ = add_weight("moving_variance", sizes, options_.moving_variance_initializer, {}, false);
}

std::vector<Value> BatchNormalizationLayer::compute(const std::vector<Value>& inputs,
                                                    CallContext& context) {
  expect_inputs(inputs.size(), 1);
  const Value x = inputs[0].dtype() == DType::f32 ? inputs[0] : ops::cast(inputs[0], DType::f32);
  const int64_t axis = axis_of(x.shape());
  if (x.shape()[static_cast<size_t>(axis)] != Dim(mean_->value().size(0)))
    reject(
        fmt::format("was built for {} channels; got {}", mean_->value().size(0), x.shape().str()));
  const Value gamma = gamma_ ? read(gamma_) : Value(), beta = beta_ ? read(beta_) : Value();
  if (!context.training || !trainable())
    return {ops::batch_norm_inference(x, gamma, beta, read(mean_), read(variance_),
                                      options_.epsilon, axis)};
  const std::vector<Value> out = ops::batch_norm(x, gamma, beta, options_.epsilon, axis);
  auto move = [&](const VariablePtr& running, const Value& batch) {
    context.updates.emplace_back(
        running,
        read(running) * options_.momentum + ops::stop_gradient(batch) * (1.0 - options_.momentum));
  };
  move(mean_, out[1]);
  move(variance_, out[2]);
  return {out[0]};
}

LayerRef BatchNormalization(BatchNormalizationOptions options) {
  return std::make_shared<BatchNormalizationLayer>(std::move(options));
}

}  // namespace andiron::nn
