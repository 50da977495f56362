#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "andiron/base/result.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn {

/// What a saved model holds beside its layers and weights.
struct ModelExtras {
  nlohmann::json compile;  ///< how it was compiled; null when it was not
  /// Further state (an optimizer's slots), by name.
  std::map<std::string, Tensor> tensors;
};

/// One safetensors file, complete or not there at all: every variable under its name, extra tensors
/// under "extra/<name>", and in the metadata "andiron.model" (the architecture as JSON, versioned,
/// with the variables' order) and "andiron.compile". Layers and losses of the user's own are stored
/// as graphs. Any safetensors reader reads the weights.
Result<> save_model(const FunctionalModel& model, const std::string& path,
                    const ModelExtras& extras = {});
/// The same bytes in memory.
std::string model_bytes(const FunctionalModel& model, const ModelExtras& extras = {});

struct LoadedModel {
  ModelPtr model;
  ModelExtras extras;
};
/// Never throws for what stands in the file: a damaged one is a Failure that says where.
Result<LoadedModel> load_model(const std::string& path);
Result<LoadedModel> model_from_bytes(std::string bytes, const std::string& name = "model");

}  // namespace andiron::nn
