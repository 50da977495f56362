#pragma once

#include "andiron/ops/ops.hpp"

namespace andiron::ops {

/// `pad` with zeros and `slice` with sizes that may be symbolic: each is the other's gradient.
Value pad_block(const Value& x, const Shape& low, const Shape& high);
Value slice_block(const Value& x, const Shape& begin, const Shape& size);

}  // namespace andiron::ops
