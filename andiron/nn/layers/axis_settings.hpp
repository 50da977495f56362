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

/// (begin, end) of each axis. Throws Error naming the layer unless there is one for each of `rank`
/// axes, or one for all; a single number stands for both ends.
std::vector<std::vector<int64_t>> ends_of_axes(const std::string& layer, const char* what,
                                               std::vector<std::vector<int64_t>> ends,
                                               int64_t rank);
/// As Keras has it: a number; one number or one (begin, end) for each axis; `otherwise` when the
/// configuration has none.
std::vector<std::vector<int64_t>> ends_from(const nlohmann::json& config, const char* key,
                                            int64_t rank, int64_t otherwise);

}  // namespace andiron::nn
