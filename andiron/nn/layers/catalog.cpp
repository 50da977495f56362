#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/model_config.hpp"

namespace andiron::nn {

namespace {

using Json = nlohmann::json;

struct LayerEntry {
  const char* class_name;
  LayerPtr (*from_config)(const Json& config);
};

// Every layer that files may name, one line each.
constexpr LayerEntry kLayers[] = {
    {"Activation", ActivationLayer::from_config},
    {"Add", AddLayer::from_config},
    {"Concatenate", ConcatenateLayer::from_config},
    {"Dense", DenseLayer::from_config},
    {"Dot", DotLayer::from_config},
    {"Dropout", DropoutLayer::from_config},
    {"Embedding", EmbeddingLayer::from_config},
    {"EmbeddingBag", EmbeddingBagLayer::from_config},
    {"Flatten", FlattenLayer::from_config},
    {"Functional", functional_from_config},
    {"HashedCross", HashedCrossLayer::from_config},
    {"InputLayer", InputLayer::from_config},
    {"Multiply", MultiplyLayer::from_config},
    {"Normalization", NormalizationLayer::from_config},
    {"Reshape", ReshapeLayer::from_config},
    {"Sequential", sequential_from_config},
    {"Traced", TracedLayer::from_config},
    {"WideLinear", WideLinearLayer::from_config},
};

const LayerEntry* find(const std::string& class_name) {
  for (const LayerEntry& entry : kLayers)
    if (class_name == entry.class_name) return &entry;
  return nullptr;
}

}  // namespace

LayerPtr layer_from_config(const Json& description) {
  const std::string class_name = description.at("class_name");
  const LayerEntry* entry = find(class_name);
  if (entry == nullptr) {
    std::string known;
    for (const LayerEntry& e : kLayers)
      known += (known.empty() ? "" : ", ") + std::string(e.class_name);
    fail("[layer] class '{}' is not known; there are {}", class_name, known);
  }
  try {
    LayerPtr layer = entry->from_config(description.at("config"));
    layer->adopt(description.at("config"));
    return layer;
  } catch (const Json::exception& e) {
    fail("[{}] its configuration is damaged: {}", class_name, e.what());
  }
}

Json layer_description(const Layer& layer) {
  if (find(layer.class_name()) != nullptr)
    return {{"class_name", layer.class_name()}, {"config", layer.config()}};
  if (!layer.built())
    fail("[{}] layer '{}' must be built before it is saved: it is stored as its graph",
         layer.class_name(), layer.name());
  // Tracing composes the layer's ops again and changes nothing that can be seen.
  const LayerTraces traces = trace_layer(const_cast<Layer&>(layer), layer.input_types());
  return {{"class_name", "Traced"}, {"config", traced_config(layer, traces)}};
}

}  // namespace andiron::nn
