#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "andiron/base/error.hpp"
#include "andiron/base/result.hpp"
#include "andiron/io/safetensors.hpp"

namespace andiron::nn {

/// What `model_of` makes of a file; where it throws for what stands there, a Failure with its
/// words.
template <class Model>
Result<Model> checked_model(Result<io::TensorFile> file, const std::string& name,
                            Model (*model_of)(const io::TensorFile&)) {
  if (!file.ok()) return because(file.failure(), "[load] cannot read the model '{}'", name);
  try {
    return model_of(file.value());
  } catch (const Error& e) {
    return failure("[load] cannot read the model '{}': {}", name, e.what());
  } catch (const nlohmann::json::exception& e) {
    return failure("[load] cannot read the model '{}': {}", name, e.what());
  }
}

}  // namespace andiron::nn
