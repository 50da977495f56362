#include "andiron/nn/layers/prelu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/nn/layers/axis_settings.hpp"
#include "andiron/ops/activations.hpp"

namespace andiron::nn {

using Json = nlohmann::json;

PReLULayer::PReLULayer(PReLUOptions options)
    : Layer({.name = options.name, .trainable = options.trainable}), options_(std::move(options)) {}

Json PReLULayer::config() const {
  Json config = Layer::config();
  config["alpha_initializer"] = options_.alpha_initializer.config();
  config["alpha_regularizer"] = options_.alpha_regularizer.config();
  config["alpha_constraint"] = options_.alpha_constraint.config();
  config["shared_axes"] = options_.shared_axes;
  return config;
}

LayerPtr PReLULayer::from_config(const Json& config) {
  PReLUOptions o;
  const auto read = [&]<class T>(const char* key, T& target) {
    if (config.contains(key)) target = T::from_config(config.at(key));
  };
  read("alpha_initializer", o.alpha_initializer);
  read("alpha_regularizer", o.alpha_regularizer);
  read("alpha_constraint", o.alpha_constraint);
  o.shared_axes = axes_of(config, "shared_axes", {});
  return std::make_shared<PReLULayer>(std::move(o));
}

void PReLULayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape;
  for (int64_t axis : options_.shared_axes)
    if (axis < 1 || axis >= shape.rank())
      reject(fmt::format("shared_axes must be axes of {} that are not the batch; got {}",
                         shape.str(), axis));
  Sizes sizes;
  for (int64_t i = 1; i < shape.rank(); ++i) {
    const auto& shared = options_.shared_axes;
    const Dim& d = shape[static_cast<size_t>(i)];
    if (std::find(shared.begin(), shared.end(), i) != shared.end()) {
      sizes.push_back(1);
    } else if (d.known()) {
      sizes.push_back(d.size());
    } else {
      reject(fmt::format("the size of axis {} must be known or shared; got {}", i, shape.str()));
    }
  }
  alpha_ = add_weight("alpha", sizes, options_.alpha_initializer, options_.alpha_regularizer);
  constrain(alpha_, options_.alpha_constraint);
}

std::vector<Value> PReLULayer::compute(const std::vector<Value>& inputs, CallContext&) {
  expect_inputs(inputs.size(), 1);
  return {ops::prelu(inputs[0], read(alpha_))};
}

LayerRef PReLU(PReLUOptions options) { return std::make_shared<PReLULayer>(std::move(options)); }

}  // namespace andiron::nn
