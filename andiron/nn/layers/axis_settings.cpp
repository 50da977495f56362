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

std::vector<std::vector<int64_t>> ends_of_axes(const std::string& layer, const char* what,
                                               std::vector<std::vector<int64_t>> ends,
                                               int64_t rank) {
  if (ends.size() == 1) ends.assign(static_cast<size_t>(rank), ends[0]);
  bool good = static_cast<int64_t>(ends.size()) == rank;
  for (std::vector<int64_t>& axis : ends) {
    if (axis.size() == 1) axis.push_back(axis[0]);
    good &= axis.size() == 2 && axis[0] >= 0 && axis[1] >= 0;
  }
  if (!good)
    fail("[{}] {} needs (begin, end), not negative, for each of {} axes", layer, what, rank);
  return ends;
}

std::vector<std::vector<int64_t>> ends_from(const nlohmann::json& config, const char* key,
                                            int64_t rank, int64_t otherwise) {
  using Ints = std::vector<int64_t>;
  if (!config.contains(key)) return {{otherwise}};
  const nlohmann::json& given = config.at(key);
  if (!given.is_array()) return {{given.get<int64_t>()}};
  if (rank == 1 && given.size() == 2 && !given.at(0).is_array()) return {given.get<Ints>()};
  std::vector<Ints> ends;
  for (const nlohmann::json& axis : given)
    ends.push_back(axis.is_array() ? axis.get<Ints>() : Ints{axis.get<int64_t>()});
  return ends;
}

}  // namespace andiron::nn
