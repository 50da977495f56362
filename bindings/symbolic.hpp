#pragma once

#include <vector>

#include "andiron/graph/attributes.hpp"
#include "bindings/convert.hpp"

namespace andiron::bindings {

/// Whether the object is a symbolic tensor of a network that is being described.
bool is_symbolic(nb::handle object);
/// Uses the op as a layer of that network.
nb::object apply_symbolic(const Op& op, const std::vector<nb::object>& inputs,
                          const Attributes& attributes);

}  // namespace andiron::bindings
