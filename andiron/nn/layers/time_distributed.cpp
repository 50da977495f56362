#include "andiron/nn/layers/time_distributed.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

TimeDistributedLayer::TimeDistributedLayer(LayerPtr layer, LayerOptions options)
    : Layer(std::move(options)), layer_(std::move(layer)) {
  if (layer_ == nullptr) fail("[TimeDistributed] takes a layer; got none");
}

nlohmann::json TimeDistributedLayer::config() const {
  nlohmann::json config = Layer::config();
  config["layer"] = layer_description(*layer_);
  return config;
}

LayerPtr TimeDistributedLayer::from_config(const nlohmann::json& config) {
  return std::make_shared<TimeDistributedLayer>(layer_from_config(config.at("layer")));
}

void TimeDistributedLayer::build_variables(const std::vector<TensorType>& inputs) {
  expect_inputs(inputs.size(), 1);
  Shape step = inputs[0].shape;
  if (step.rank() < 3 || !step[1].known())
    reject(
        fmt::format("needs [batch, time, ...] with a known number of steps; got {}", step.str()));
  step.erase(step.begin() + 1);
  layer_->build({{inputs[0].dtype, step}});
}

std::vector<Value> TimeDistributedLayer::compute(const std::vector<Value>& inputs,
                                                 CallContext& context) {
  expect_inputs(inputs.size(), 1);
  const Shape& shape = inputs[0].shape();
  if (shape.rank() < 3) reject(fmt::format("needs [batch, time, ...]; got {}", shape.str()));
  Shape steps = shape;
  steps.erase(steps.begin());
  steps[0] = shape[0] * shape[1];
  const std::vector<Value> out = layer_->call({ops::reshape(inputs[0], steps)}, context);
  if (out.size() != 1) reject(fmt::format("takes a layer with one output; got {}", out.size()));
  Shape back = out[0].shape();
  if (back.empty() || !(back[0] == steps[0]))
    reject(fmt::format("takes a layer that keeps samples apart; it made {} of {}", back.str(),
                       steps.str()));
  back[0] = shape[1];
  back.insert(back.begin(), shape[0]);
  return {ops::reshape(out[0], back)};
}

LayerRef TimeDistributed(const LayerRef& layer, LayerOptions options) {
  return std::make_shared<TimeDistributedLayer>(layer, std::move(options));
}

}  // namespace andiron::nn
