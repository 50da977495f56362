#include "andiron/nn/layers/identity.hpp"

#include <nlohmann/json.hpp>

#include "andiron/ops/ops.hpp"

namespace andiron::nn {

LayerPtr IdentityLayer::from_config(const nlohmann::json&) {
  return std::make_shared<IdentityLayer>();
}

std::vector<Value> IdentityLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  if (inputs.empty()) reject("takes one input or more; got none");
  return inputs;
}

ActivityRegularizationLayer::ActivityRegularizationLayer(double l1, double l2, LayerOptions options)
    : Layer(std::move(options)), penalty_(l1, l2) {}

nlohmann::json ActivityRegularizationLayer::config() const {
  nlohmann::json config = Layer::config();
  config["l1"] = penalty_.l1;
  config["l2"] = penalty_.l2;
  return config;
}

LayerPtr ActivityRegularizationLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<ActivityRegularizationLayer>(config.value("l1", 0.0),
                                                       config.value("l2", 0.0));
}

std::vector<Value> ActivityRegularizationLayer::compute(const std::vector<Value>& inputs,
                                                        CallContext& context) {
  expect_inputs(inputs.size(), 1);
  // Per sample, as Keras has it, so that its strength does not depend on the batch size.
  if (penalty_) context.losses.push_back(penalty_(inputs[0]) / ops::count_of(inputs[0], {0}));
  return inputs;
}

LayerRef Identity(LayerOptions options) {
  return std::make_shared<IdentityLayer>(std::move(options));
}
LayerRef ActivityRegularization(double l1, double l2, LayerOptions options) {
  return std::make_shared<ActivityRegularizationLayer>(l1, l2, std::move(options));
}

}  // namespace andiron::nn
