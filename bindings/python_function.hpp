#pragma once

#include <memory>

#include "andiron/graph/host_function.hpp"
#include "bindings/convert.hpp"

namespace andiron::bindings {

/// A Python object that may be let go on any thread, also without the interpreter's lock.
std::shared_ptr<nb::object> shared_object(nb::object object);

/// andiron.py_function, and the rule that nobody waits for a lane with the interpreter's lock.
void bind_python_functions(nb::module_& m);

}  // namespace andiron::bindings
