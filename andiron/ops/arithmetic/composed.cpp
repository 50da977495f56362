#include <limits>

#include "andiron/base/error.hpp"
#include "andiron/ops/arrays.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value number(double value, const Value& like) { return constant(value, like.dtype()); }

// What integers and booleans are always, or never.
Value everywhere(const Value& x, bool holds) {
  return broadcast_to(constant(holds ? 1.0 : 0.0, DType::boolean), x.shape());
}

// Whether a remainder and a divisor have different signs: then a quotient was rounded up.
Value rounded_up(const Value& remainder, const Value& b) {
  const Value zero = number(0.0, b);
  return logical_and(not_equal(remainder, zero), not_equal(less(remainder, zero), less(b, zero)));
}

}  // namespace

Value isnan(const Value& x) {
  return is_floating(x.dtype()) ? not_equal(x, x) : everywhere(x, false);
}

Value isinf(const Value& x) {
  return is_floating(x.dtype()) ? equal(absolute(x), number(kInfinity, x)) : everywhere(x, false);
}

Value isfinite(const Value& x) {
  return is_floating(x.dtype()) ? less(absolute(x), number(kInfinity, x)) : everywhere(x, true);
}

Value logical_xor(const Value& a, const Value& b) {
  for (const Value* v : {&a, &b})
    if (v->dtype() != DType::boolean) fail("[logical_xor] takes bool; got {}", str(v->type()));
  return not_equal(a, b);
}

Value nan_to_num(const Value& x, double nan, double positive, double negative) {
  if (!is_floating(x.dtype())) return x;
  const Value bounded = where(equal(x, number(kInfinity, x)), number(positive, x),
                              where(equal(x, number(-kInfinity, x)), number(negative, x), x));
  return where(not_equal(x, x), number(nan, x), bounded);
}

Value mod(const Value& a, const Value& b) {
  const Value r = remainder(a, b);
  return where(rounded_up(r, b), r + b, r);
}

Value floor_divide(const Value& a, const Value& b) {
  if (is_floating(a.dtype())) return floor(a / b);
  const Value q = integer_divide(a, b);
  return where(rounded_up(remainder(a, b), b), q - number(1.0, q), q);
}

Value hypot(const Value& a, const Value& b) {
  const Value x = absolute(a), y = absolute(b);
  const Value large = maximum(x, y), small = minimum(x, y);
  // 0 / 0 and infinity / infinity have no quotient; the greater one is the result.
  const Value plain = logical_or(equal(large, number(0.0, a)), equal(large, number(kInfinity, a)));
  const Value quotient = small / where(plain, number(1.0, a), large);
  return where(plain, large, large * sqrt(square(quotient) + 1.0));
}

}  // namespace andiron::ops
