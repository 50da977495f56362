#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// andiron._core.collective: what andiron.collective wraps.
void bind_collective(nanobind::module_& m);

}  // namespace andiron::bindings
