#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "andiron/graph/value.hpp"

/// What the layers that draw random numbers share.
namespace andiron::nn {

/// The sizes of the draws for an input of shape x: 1 where an axis shares them, -1 for x's size;
/// empty: x's shape. Nothing when they do not fit.
std::optional<Shape> noise_shape_of(const Shape& x, const std::vector<int64_t>& noise_shape);
/// A seed in a configuration, or nothing.
std::optional<int64_t> seed_of(const nlohmann::json& config);
/// The message for a noise_shape that does not fit.
std::string noise_shape_rule(const Shape& x, const std::vector<int64_t>& noise_shape);

}  // namespace andiron::nn
