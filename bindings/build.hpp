#pragma once

#include <vector>

#include "andiron/graph/schema.hpp"

namespace andiron::bindings {

/// Makes the graph of one op, through its builder function where that completes attributes.
std::vector<Value> build(const Op& op, const std::vector<Value>& inputs,
                         const Attributes& attributes);

}  // namespace andiron::bindings
