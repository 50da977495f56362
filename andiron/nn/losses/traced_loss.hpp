#pragma once

#include <nlohmann/json_fwd.hpp>

#include "andiron/nn/loss.hpp"

namespace andiron::nn {

/// Any loss as its graph (y_true, y_pred) -> per sample for predictions of this type.
nlohmann::json traced_loss_config(const Loss& loss, const TensorType& y_pred);
LossPtr traced_loss_from_config(const nlohmann::json& config);

}  // namespace andiron::nn
