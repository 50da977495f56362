#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// The streaming metrics and the ranking figures.
void bind_metrics(nanobind::module_& m);

}  // namespace andiron::bindings
