#pragma once

#include <nanobind/nanobind.h>

#include <nlohmann/json_fwd.hpp>

namespace andiron::bindings {

/// None, bool, int, float, str, lists, tuples and dicts with string keys.
nlohmann::json json_from(nanobind::handle object);
nanobind::object to_python(const nlohmann::json& json);

}  // namespace andiron::bindings
