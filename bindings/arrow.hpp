#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// Arrow streams, vocabularies, tables and the batches made of them.
void bind_arrow(nanobind::module_& m);

}  // namespace andiron::bindings
