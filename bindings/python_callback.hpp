#pragma once

#include "bindings/convert.hpp"

namespace andiron::bindings {

/// Callbacks: those of the core, and the bridge to those written in Python.
void bind_callbacks(nb::module_& m);

}  // namespace andiron::bindings
