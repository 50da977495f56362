#pragma once

#include <vector>

#include "andiron/graph/value.hpp"

namespace andiron {

/// Reverse-mode differentiation by graph rewriting: the gradient of `y` (any shape; seeded with
/// ones, or with `seed` of y's type) with respect to each of `xs`. An x on which y does not depend
/// gets zeros. Gradients of embedding tables are row-sparse values (ops::is_row_sparse).
/// Gradients end at ops that have none (argmax, comparisons, step, stop_gradient): see the schema.
std::vector<Value> grad(const Value& y, const std::vector<Value>& xs, const Value& seed = {});

}  // namespace andiron
