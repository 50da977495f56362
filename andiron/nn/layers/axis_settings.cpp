#include "andiron/nn/layers/axis_settings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/tensor/shape.hpp"

namespace andiron::nn {

std::vector<int64_t> for_axes(const std::string& layer, const char* what,
                              std::vector<int64_t> values, int64_t rank, int64_t least) {
  if (values.size() == 1) values.assign(static_cast<size_t>(rank), values[0]);
  if (static_cast<int64_t>(values.size()) != rank ||
      std::any_of(values.begin(), values.end(), [&](int64_t v) { return v < least; }))
    fail("[{}] {} needs one entry, or one for each of {} axes, of at least {}; got {}", layer, what,
         rank, least, str(values));
  return values;
}

std::vector<int64_t> axes_of(const nlohmann::json& config, const char* key,
                             std::vector<int64_t> otherwise) {
  if (!config.contains(key) || config.at(key).is_null()) return otherwise;
  const nlohmann::json& value = config.at(key);
  if (value.is_array()) return value.get<std::vector<int64_t>>();
  return {value.get<int64_t>()};
}

}  // namespace andiron::nn
