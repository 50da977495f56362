#pragma once

#include <nanobind/nanobind.h>

#include <vector>

namespace andiron::exec {
struct NodeProfile;
}

namespace andiron::bindings {

/// A dict for each node that was timed.
nanobind::list profile_rows(const std::vector<exec::NodeProfile>& profile);

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
