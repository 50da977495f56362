#pragma once

#include "andiron/exec/native/float_vector.hpp"

/// Only *_isa.cpp files include this header.
namespace andiron::exec::ANDIRON_ISA {

namespace {

/// e^x for x <= 0 within 2 units in the last place, but 0 where it is below 2^-126; of NaN
/// anything. What a softmax needs: one factor 2^n in place of exp_of's two (see vector_math.hpp).
inline FloatVector exp_below_zero(FloatVector x) {
  const FloatVector magic(12582912.0F);  // 1.5 2^23: the sum's low bits are the nearest integer
  const FloatVector lowest(-87.3365F);   // just above -126 ln 2
  const FloatVector shifted = fused(x, FloatVector(1.44269504F), magic);
  const FloatVector n = shifted - magic;
  const FloatVector r =
      fused(n, FloatVector(2.12194440e-4F), fused(n, FloatVector(-0.693359375F), x));
  FloatVector p(0.00139505978F);  // (e^r - 1 - r) / r^2
  p = fused(p, r, FloatVector(0.00836895396F));
  p = fused(p, r, FloatVector(0.0416662042F));
  p = fused(p, r, FloatVector(0.166665183F));
  p = fused(p, r, FloatVector(0.5F));
  p = fused(r * r, p, r) + FloatVector(1.0F);
  return unless_below(raised_by(p, shifted), x, lowest);
}

}  // namespace

}  // namespace andiron::exec::ANDIRON_ISA
