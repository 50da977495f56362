#include "andiron/nn/layers/noise_shape.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"

namespace andiron::nn {

std::optional<Shape> noise_shape_of(const Shape& x, const std::vector<int64_t>& noise_shape) {
  if (noise_shape.empty()) return x;
  if (x.size() != noise_shape.size()) return std::nullopt;
  Shape shape = x;
  for (size_t i = 0; i < noise_shape.size(); ++i) {
    if (noise_shape[i] == -1) continue;
    if (noise_shape[i] != 1 && shape[i] != Dim(noise_shape[i])) return std::nullopt;
    shape[i] = Dim(noise_shape[i]);
  }
  return shape;
}

std::string noise_shape_rule(const Shape& x, const std::vector<int64_t>& noise_shape) {
  return fmt::format("noise_shape must have 1 or the input's size on each axis of {}; got {}",
                     x.str(), str(noise_shape));
}

std::optional<int64_t> seed_of(const nlohmann::json& config) {
  if (!config.contains("seed") || config.at("seed").is_null()) return std::nullopt;
  return config.at("seed").get<int64_t>();
}

}  // namespace andiron::nn
