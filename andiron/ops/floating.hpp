#pragma once

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

/// Calls f.template operator()<T>() with the C++ type of `dtype`. REQUIRES a floating point one,
/// which the shape rules of the ops that use it make sure of.
template <class F>
void visit_floating(DType dtype, F&& f) {
  ANDIRON_ASSERT(is_floating(dtype));
  if (dtype == DType::f32) f.template operator()<float>();
  if (dtype == DType::f64) f.template operator()<double>();
  if (dtype == DType::bf16) f.template operator()<bfloat16>();
}

}  // namespace andiron::ops
