#pragma once

#include <utility>
#include <vector>

#include "andiron/nn/layer.hpp"
#include "andiron/nn/symbolic.hpp"

namespace andiron::nn {

/// The values of `outputs` in the middle of a network, where those of some tensors before them are
/// given: what is between is composed, what is before is left out. Throws Error when an output
/// depends on an input of the network that is not given. A given tensor keeps the mask that it has
/// in the network, where that follows from what else is given.
std::vector<Value> values_between(const std::vector<std::pair<SymbolicTensor, Value>>& given,
                                  const std::vector<SymbolicTensor>& outputs, CallContext& context);

}  // namespace andiron::nn
