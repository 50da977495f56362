#pragma once

#include <nanobind/nanobind.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "andiron/graph/value.hpp"

namespace andiron::bindings {

/// Compositions of ops by name, which are no ops of the catalog: they take values and arguments.
using Composition = std::function<std::vector<Value>(const std::vector<Value>& values,
                                                     const nlohmann::json& arguments)>;
using Compositions = std::map<std::string, Composition>;

const Compositions& image_compositions();
const Compositions& activation_compositions();
const Compositions& array_compositions();
const Compositions& normalization_compositions();

/// A list of numbers, or one as a list; null is an empty one.
std::vector<int64_t> ints_of(const nlohmann::json& arguments, const char* name);

void bind_compositions(nanobind::module_& m);

}  // namespace andiron::bindings
