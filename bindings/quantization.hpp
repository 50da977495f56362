#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

void bind_quantization(nanobind::module_& m);

}  // namespace andiron::bindings
