#include <cmath>

#include "andiron/base/wrapping.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

std::vector<InputSpec> operands() {
  return {{"a", "left operand"}, {"b", "right operand, of the same dtype"}};
}

std::vector<TensorType> infer_integers(const InferContext& c) {
  for (size_t i = 0; i < c.n(); ++i)
    if (!is_integer(c.in(i).dtype)) fail("[{}] takes integers; got {}", c.op, str(c.in(i)));
  return infer_broadcast(c);
}

const char* const kInteger = "its result is an integer";

std::vector<Case> integer_cases() {
  return {{{"i32[9]@-9:9", "i32[9]@1:5"}},
          {{"i64[4,1]@-9:9", "i64[3]@-5:0"}},
          {{"u8[9]@0:200", "u8[9]@0:7"}},
          {{"i8[9]@-9:9", "i8[]@1:5"}},
          {{"i32[0]", "i32[]"}}};
}

// Over integers only; the dtypes of other values never get here.
template <class F>
void map_integers(const ReferenceContext& c, F f) {
  map_binary(c, [=]<class T>(T a, T b) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      return f(a, b);
    } else {
      ANDIRON_ASSERT(!"dtype");
      return a;
    }
  });
}

// Shifts by the width and more have a meaning here, unlike in C++.
template <class T>
T shifted_left(T a, T n) {
  using U = std::make_unsigned_t<T>;
  if (n < 0 || static_cast<U>(n) >= sizeof(T) * 8) return T(0);
  return static_cast<T>(static_cast<U>(static_cast<uint64_t>(static_cast<U>(a)) << n));
}

template <class T>
T shifted_right(T a, T n) {
  using U = std::make_unsigned_t<T>;
  if (n < 0 || static_cast<U>(n) >= sizeof(T) * 8) return a < 0 ? T(-1) : T(0);
  return static_cast<T>(a >> n);
}

}  // namespace

extern const Op kIntegerDivide = {
    .name = "integer_divide",
    .summary = "Divides integers, rounding towards zero, with broadcasting.",
    .formula = "dst = trunc(a / b); 0 where b is 0; the least number by -1 stays itself",
    .inputs = operands(),
    .infer = infer_integers,
    .why_not_differentiable = kInteger,
    .reference =
        [](const ReferenceContext& c) {
          map_integers(c, []<class T>(T a, T b) {
            if (b == 0) return T(0);
            if constexpr (std::is_signed_v<T>)
              if (b == T(-1)) return wrapping_negative(a);
            return static_cast<T>(a / b);
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = integer_cases(),
};

extern const Op kRemainder = {
    .name = "remainder",
    .summary = "The remainder of a division that rounds towards zero, with broadcasting.",
    .formula = "dst = a - trunc(a / b) * b, which has the sign of a; integers give 0 where b is 0",
    .inputs = operands(),
    .infer = infer_numeric,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      if (!is_floating(c.in(0).dtype())) return {Value(), Value()};
      const Value &a = c.in(0), &b = c.in(1);
      const Value quotient = (a - c.out()) / b;  // whole, so nothing flows through it
      return {sum_to(c.grad(), a.shape()), sum_to(-c.grad() * quotient, b.shape())};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_binary(c, []<class T>(T a, T b) {
            if constexpr (std::is_floating_point_v<T>) {
              return std::fmod(a, b);
            } else {
              if (b == T(0)) return T(0);
              if constexpr (std::is_signed_v<T>)
                if (b == T(-1)) return T(0);
              return static_cast<T>(a % b);
            }
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[9]@3.1:3.9", "f32[9]@1.1:1.5"}, {}, false},
              {{"f32[4,1]@-9:9", "f32[3]@1:4"}, {}, false},
              {{"i32[9]@-9:9", "i32[9]@-3:3"}},
              {{"i64[9]@-9:9", "i64[]@1:5"}},
              {{"u8[9]@0:200", "u8[9]@1:7"}},
              {{"f32[0]", "f32[]"}},
              {{"bf16[9]@0:1", "bf16[]@2:3"}}},
};

extern const Op kBitwiseAnd = {
    .name = "bitwise_and",
    .summary = "The bits that both integers have, with broadcasting.",
    .formula = "dst = a & b",
    .inputs = operands(),
    .infer = infer_integers,
    .why_not_differentiable = kInteger,
    .reference =
        [](const ReferenceContext& c) {
          map_integers(c, []<class T>(T a, T b) { return static_cast<T>(a & b); });
        },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = integer_cases(),
};

extern const Op kBitwiseOr = {
    .name = "bitwise_or",
    .summary = "The bits that either integer has, with broadcasting.",
    .formula = "dst = a | b",
    .inputs = operands(),
    .infer = infer_integers,
    .why_not_differentiable = kInteger,
    .reference =
        [](const ReferenceContext& c) {
          map_integers(c, []<class T>(T a, T b) { return static_cast<T>(a | b); });
        },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = integer_cases(),
};

extern const Op kBitwiseXor = {
    .name = "bitwise_xor",
    .summary = "The bits that one of two integers has, with broadcasting.",
    .formula = "dst = a ^ b",
    .inputs = operands(),
    .infer = infer_integers,
    .why_not_differentiable = kInteger,
    .reference =
        [](const ReferenceContext& c) {
          map_integers(c, []<class T>(T a, T b) { return static_cast<T>(a ^ b); });
        },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = integer_cases(),
};

extern const Op kShiftLeft = {
    .name = "shift_left",
    .summary = "Moves the bits of integers up, with broadcasting.",
    .formula = "dst = a * 2^b, the upper bits lost; 0 where b is negative or the width and more",
    .inputs = operands(),
    .infer = infer_integers,
    .why_not_differentiable = kInteger,
    .reference =
        [](const ReferenceContext& c) {
          map_integers(c, []<class T>(T a, T b) { return shifted_left(a, b); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = integer_cases(),
};

extern const Op kShiftRight = {
    .name = "shift_right",
    .summary = "Moves the bits of integers down, with broadcasting.",
    .formula = "dst = floor(a / 2^b); 0 or -1 where b is negative or the width and more",
    .inputs = operands(),
    .infer = infer_integers,
    .why_not_differentiable = kInteger,
    .reference =
        [](const ReferenceContext& c) {
          map_integers(c, []<class T>(T a, T b) { return shifted_right(a, b); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = integer_cases(),
};

Value integer_divide(const Value& a, const Value& b) { return make_value(kIntegerDivide, {a, b}); }
Value remainder(const Value& a, const Value& b) { return make_value(kRemainder, {a, b}); }
Value bitwise_and(const Value& a, const Value& b) { return make_value(kBitwiseAnd, {a, b}); }
Value bitwise_or(const Value& a, const Value& b) { return make_value(kBitwiseOr, {a, b}); }
Value bitwise_xor(const Value& a, const Value& b) { return make_value(kBitwiseXor, {a, b}); }
Value shift_left(const Value& a, const Value& b) { return make_value(kShiftLeft, {a, b}); }
Value shift_right(const Value& a, const Value& b) { return make_value(kShiftRight, {a, b}); }

}  // namespace andiron::ops
