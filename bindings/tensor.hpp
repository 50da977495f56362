#pragma once

#include <nanobind/nanobind.h>

namespace andiron::bindings {

/// andiron.Error and the mapping of the core's exceptions.
void bind_errors(nanobind::module_& m);
/// Tensor, and the conversions from and to NumPy.
void bind_tensor(nanobind::module_& m);
/// Variable, Value, Graph, grad.
void bind_graph(nanobind::module_& m);
/// The catalog's schemas and `apply`, which calls an op by name.
void bind_ops(nanobind::module_& m);
/// Plan, threads.
void bind_plan(nanobind::module_& m);

}  // namespace andiron::bindings
