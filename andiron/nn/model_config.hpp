#pragma once

#include <nlohmann/json_fwd.hpp>

#include "andiron/nn/layer.hpp"

namespace andiron::nn {

/// The inverses of config() of FunctionalModel and SequentialModel. They build the layers; under a
/// NoInitialValues the variables are zero.
LayerPtr functional_from_config(const nlohmann::json& config);
LayerPtr sequential_from_config(const nlohmann::json& config);

}  // namespace andiron::nn
