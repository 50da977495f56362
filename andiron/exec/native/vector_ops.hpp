#pragma once

#include <cstddef>
#include <cstdint>

#include "andiron/exec/native/isa.hpp"

/// The operations of the bytecode that elementwise kernels run: each works on blocks of floats that
/// stay in the L1 cache. Conditions are 0 or 1. Plain functions over raw pointers, one table per
/// instruction set.
namespace andiron::exec {

enum class VectorOp : uint8_t {
  // one operand
  copy,
  negative,
  absolute,
  sign,
  square,
  reciprocal,
  sqrt,
  rsqrt,
  exp,
  log,
  log1p,
  log2,
  log10,
  exp2,
  expm1,
  floor,
  ceil,
  round,
  trunc,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  erf,
  erfc,
  erfinv,
  step,
  sigmoid,
  tanh,
  relu,
  leaky_relu,
  elu,
  gelu,
  gelu_tanh,
  gelu_derivative,
  softplus,
  clip,
  logical_not,
  not_zero,
  round_bf16,
  // two operands
  add,
  subtract,
  multiply,
  divide,
  maximum,
  minimum,
  power,
  remainder,
  atan2,
  logaddexp,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  logical_and,
  logical_or,
  sigmoid_cross_entropy,
  multiply_step,  ///< a * step(b): the gradient of relu
  add_relu,       ///< relu(a + b)
  // three operands
  where,
  count
};

/// Unused operands are null; dst may be one of them. `imm`: an op's attributes.
using VectorFn = void (*)(float* dst, const float* a, const float* b, const float* c, int64_t n,
                          const float* imm);

struct VectorTable {
  VectorFn op[static_cast<size_t>(VectorOp::count)];

  void (*from_bf16)(float* dst, const void* src, int64_t n);
  void (*from_i8)(float* dst, const void* src, int64_t n);
  void (*from_u8)(float* dst, const void* src, int64_t n);  ///< bool too
  void (*from_i32)(float* dst, const void* src, int64_t n);
  void (*from_i64)(float* dst, const void* src, int64_t n);
  void (*to_bf16)(void* dst, const float* src, int64_t n);
  void (*to_bool)(void* dst, const float* src, int64_t n);
};

namespace avx2 {
extern const VectorTable kVectorTable;
}
namespace avx512 {
extern const VectorTable kVectorTable;
}

inline const VectorTable& vector_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kVectorTable : avx2::kVectorTable;
}

}  // namespace andiron::exec
