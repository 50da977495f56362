#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// version() and build_info(): what `andiron info` prints about the core.
void bind_info(nanobind::module_& m);

}  // namespace andiron::bindings
