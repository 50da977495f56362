#pragma once

#include <vector>

#include "andiron/graph/host_function.hpp"

/// What the workers of a training do together within a step: nodes around functions of the program,
/// which start an exchange and wait for its end, so that the plan computes meanwhile.
namespace andiron::ops {

/// Starts an exchange. Results have the types that the function says and take the memory of the
/// values of the same place and type, which they may keep until the wait: the function must not
/// touch them afterwards.
std::vector<Value> exchange_start(const std::vector<Value>& values, HostFunction function);

/// Waits for an exchange. A plan runs it, and what depends on it, after everything else.
std::vector<Value> exchange_wait(const std::vector<Value>& values, HostFunction function);

}  // namespace andiron::ops
