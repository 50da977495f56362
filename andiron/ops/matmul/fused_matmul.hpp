#pragma once

#include <string>

#include "andiron/ops/ops.hpp"

namespace andiron::ops {

/// activation(A B + bias), A and B transposed as told; `bias` [n] may be undefined.
Value fused_matmul(const Value& a, const Value& b, const Value& bias, bool transpose_a,
                   bool transpose_b, const std::string& activation);

}  // namespace andiron::ops
