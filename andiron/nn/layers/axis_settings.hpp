#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

/// Settings of layers that have one number for each spatial axis.
namespace andiron::nn {

/// `values`, or its one entry for each of `rank` axes. Throws Error naming the layer and what it is
/// about unless there are as many, of at least `least`.
std::vector<int64_t> for_axes(const std::string& layer, const char* what,
                              std::vector<int64_t> values, int64_t rank, int64_t least);
/// A list in a configuration, or a number as a list of one.
std::vector<int64_t> axes_of(const nlohmann::json& config, const char* key,
                             std::vector<int64_t> otherwise);

}  // namespace andiron::nn
