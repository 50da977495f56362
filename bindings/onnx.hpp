#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// OnnxFile, which models are imported from, and the export; see python/andiron/onnx.
void bind_onnx(nanobind::module_& m);

}  // namespace andiron::bindings
