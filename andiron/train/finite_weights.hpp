#pragma once

#include <vector>

#include "andiron/graph/variable.hpp"

namespace andiron::train {

/// The first variable with a NaN or an infinity in it; null when there is none.
VariablePtr first_not_finite(const std::vector<VariablePtr>& variables);

}  // namespace andiron::train
