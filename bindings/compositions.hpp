#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// Compositions of ops for images, which are no ops of the catalog.
void bind_compositions(nanobind::module_& m);

}  // namespace andiron::bindings
