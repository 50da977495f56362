#include "andiron/nn/model_config.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers/input.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;

Json types_to_json(const std::vector<TensorType>& types) {
  Json out = Json::array();
  for (const TensorType& type : types) out.push_back(InputLayer(type).config());
  return out;
}

}  // namespace

// {"layers": [{"class_name", "config"}...],
//  "calls": [{"layer": i, "inputs": [[call, output]...], "training": null}...],
//  "inputs": [[call, output]...], "outputs": [[call, output]...]}; indices count from 0 and calls
// only name earlier ones.
Json FunctionalModel::config() const {
  Json config = Layer::config();
  Json layers = Json::array(), calls = Json::array();
  std::map<const Layer*, size_t> layer_index;
  for (const LayerPtr& layer : layers_) {
    layer_index[layer.get()] = layers.size();
    layers.push_back(layer_description(*layer));
  }
  std::map<const LayerCall*, size_t> call_index;
  std::vector<std::shared_ptr<const LayerCall>> all;
  for (const SymbolicTensor& t : inputs_) all.push_back(t.call());
  for (const auto& call : calls_)
    if (std::find(all.begin(), all.end(), call) == all.end()) all.push_back(call);
  auto reference = [&](const SymbolicTensor& t) {
    return Json::array({call_index.at(t.call().get()), t.index()});
  };
  for (const auto& call : all) {
    Json inputs = Json::array();
    for (const SymbolicTensor& t : call->inputs) inputs.push_back(reference(t));
    call_index[call.get()] = calls.size();
    calls.push_back({{"layer", layer_index.at(call->layer.get())},
                     {"inputs", inputs},
                     {"training", call->training ? Json(*call->training) : Json()}});
  }
  Json inputs = Json::array(), outputs = Json::array();
  for (const SymbolicTensor& t : inputs_) inputs.push_back(reference(t));
  for (const SymbolicTensor& t : outputs_) outputs.push_back(reference(t));
  config["layers"] = std::move(layers);
  config["calls"] = std::move(calls);
  config["inputs"] = std::move(inputs);
  config["outputs"] = std::move(outputs);
  return config;
}

LayerPtr functional_from_config(const Json& config) {
  std::vector<LayerPtr> layers;
  for (const Json& description : config.at("layers"))
    layers.push_back(layer_from_config(description));
  std::vector<std::vector<SymbolicTensor>> results;
  auto resolve = [&](const Json& reference) {
    const auto call = reference.at(0).get<size_t>(), output = reference.at(1).get<size_t>();
    if (call >= results.size() || output >= results[call].size())
      fail("[Functional] its configuration names output {} of call {}, which is not there", output,
           call);
    return results[call][output];
  };
  auto resolve_all = [&](const Json& references) {
    std::vector<SymbolicTensor> out;
    for (const Json& reference : references) out.push_back(resolve(reference));
    return out;
  };
  for (const Json& call : config.at("calls")) {
    const auto index = call.at("layer").get<size_t>();
    if (index >= layers.size())
      fail("[Functional] its configuration names layer {} of {}", index, layers.size());
    const LayerPtr& layer = layers[index];
    if (auto entry = std::dynamic_pointer_cast<InputLayer>(layer)) {
      results.push_back({entry->output()});
      continue;
    }
    std::optional<bool> training;
    if (!call.at("training").is_null()) training = call.at("training").get<bool>();
    const std::vector<SymbolicTensor> inputs = resolve_all(call.at("inputs"));
    if (inputs.empty()) fail("[Functional] a call of '{}' has no inputs", layer->name());
    results.push_back(layer->call_symbolic(inputs, training));
  }
  return std::make_shared<FunctionalModel>(resolve_all(config.at("inputs")),
                                           resolve_all(config.at("outputs")));
}

Json SequentialModel::config() const {
  Json config = Layer::config();
  Json layers = Json::array();
  for (const LayerPtr& layer : stack_) layers.push_back(layer_description(*layer));
  config["layers"] = std::move(layers);
  config["build_input"] = built() ? types_to_json(input_types()) : Json();
  return config;
}

LayerPtr sequential_from_config(const Json& config) {
  std::vector<LayerPtr> layers;
  for (const Json& description : config.at("layers"))
    layers.push_back(layer_from_config(description));
  auto model = std::make_shared<SequentialModel>(std::move(layers));
  const Json& types = config.at("build_input");
  if (types.is_null() || model->built()) return model;
  std::vector<TensorType> inputs;
  for (const Json& type : types)
    inputs.push_back(std::static_pointer_cast<InputLayer>(InputLayer::from_config(type))->type());
  model->build(inputs);
  return model;
}

}  // namespace andiron::nn
