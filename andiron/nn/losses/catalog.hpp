#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "andiron/nn/loss.hpp"

namespace andiron::nn {

/// `options` with `name` where the user gave none.
LossOptions named(LossOptions options, const char* name);
/// "name" and "reduction" of a config.
LossOptions loss_options(const nlohmann::json& config);

/// One entry a loss: how it is found by name and made from JSON.
struct LossEntry {
  const char* class_name;
  const char* names[3];  ///< "mean_squared_error", "mse"; null where fewer
  LossPtr (*make)(const nlohmann::json& config);
};

}  // namespace andiron::nn
