#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// Linear classifiers: examples, fit, cross-validation.
void bind_linear(nanobind::module_& m);

}  // namespace andiron::bindings
