#pragma once

#include <vector>

#include "andiron/graph/host_function.hpp"

namespace andiron::ops {

/// A function of the program as a node. It is differentiable when it has a gradient; a graph with
/// it cannot be saved.
std::vector<Value> host_function(const std::vector<Value>& inputs, HostFunction function);

}  // namespace andiron::ops
