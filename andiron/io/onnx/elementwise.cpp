#include <cmath>
#include <limits>

#include "andiron/io/onnx/functions.hpp"
#include "andiron/ops/arrays.hpp"

// Arithmetic, element by element.
namespace andiron::io::onnx {

namespace {

template <Value (*f)(const Value&, const Value&)>
Values variadic(const Call& c) {
  Value result = c.in(0);
  for (size_t i = 1; i < c.n(); ++i) result = f(result, c.in(i));
  return {result};
}

Value divide(const Value& a, const Value& b) {
  return is_integer(a.dtype()) ? ops::integer_divide(a, b) : ops::divide(a, b);
}

Value absolute(const Value& x) { return x.dtype() == DType::u8 ? x : ops::absolute(x); }

Value reciprocal(const Value& x) { return ops::reciprocal(x); }

Values mean(const Call& c) { return {variadic<ops::add>(c)[0] / static_cast<double>(c.n())}; }

// The base's dtype is the result's; the exponent may have another.
Values power(const Call& c) {
  const Value &a = c.in(0), &b = c.in(1);
  if (is_floating(a.dtype()) && a.dtype() == b.dtype()) return {ops::power(a, b)};
  if (is_floating(a.dtype())) return {ops::power(a, ops::cast(b, a.dtype()))};
  const Value wide = ops::power(ops::cast(a, DType::f64), ops::cast(b, DType::f64));
  return {ops::cast(wide, a.dtype())};
}

// fmod = 0: the divisor's sign, as in Python; 1: the dividend's, as in C.
Values mod(const Call& c) {
  const Value &a = c.in(0), &b = c.in(1);
  return {c.i("fmod", 0) != 0 ? ops::remainder(a, b) : ops::mod(a, b)};
}

Values clip_attributes(const Call& c) {
  const double inf = std::numeric_limits<double>::infinity();
  return {ops::clip(c.in(0), c.f("min", -inf), c.f("max", inf))};
}

// max wins where min exceeds it.
Values clip(const Call& c) {
  Value x = c.in(0);
  if (c.has(1)) x = ops::maximum(x, c.in(1));
  if (c.has(2)) x = ops::minimum(x, c.in(2));
  return {x};
}

Values is_inf(const Call& c) {
  const Value& x = c.in(0);
  const double inf = std::numeric_limits<double>::infinity();
  const bool negative = c.i("detect_negative", 1) != 0, positive = c.i("detect_positive", 1) != 0;
  const Value up = ops::equal(x, constant(inf, x.dtype()));
  const Value down = ops::equal(x, constant(-inf, x.dtype()));
  if (positive && negative) return {ops::logical_or(up, down)};
  if (positive) return {up};
  if (negative) return {down};
  return {ops::logical_and(up, down)};
}

Values cast(const Call& c) {
  // Opset 1 to 5 had the name of the dtype.
  const auto to = static_cast<int32_t>(c.i("to", 0));
  const auto dtype = dtype_of_onnx(to);
  if (!dtype) c.refuse("Andiron has no dtype " + data_type_name(to));
  return {ops::cast(c.in(0), *dtype)};
}

Values cast_like(const Call& c) { return {ops::cast(c.in(0), c.in(1).dtype())}; }

Values identity(const Call& c) { return {c.in(0)}; }

constexpr Mapping kMappings[] = {
    {"Add", 6, binary_with_axis<ops::add>},
    {"Add", 7, binary<ops::add>},
    {"Sub", 6, binary_with_axis<ops::subtract>},
    {"Sub", 7, binary<ops::subtract>},
    {"Mul", 6, binary_with_axis<ops::multiply>},
    {"Mul", 7, binary<ops::multiply>},
    {"Div", 6, binary_with_axis<divide>},
    {"Div", 7, binary<divide>},
    {"Pow", 1, binary_with_axis<ops::power>},
    {"Pow", 7, power},
    {"Mod", 10, mod},
    {"Max", 6, variadic<ops::maximum>},
    {"Min", 6, variadic<ops::minimum>},
    {"Sum", 6, variadic<ops::add>},
    {"Mean", 6, mean},
    {"Clip", 6, clip_attributes},
    {"Clip", 11, clip},
    {"Neg", 6, unary<ops::negative>},
    {"Abs", 6, unary<absolute>},
    {"Sign", 9, unary<ops::sign>},
    {"Reciprocal", 6, unary<reciprocal>},
    {"Sqrt", 6, unary<ops::sqrt>},
    {"Exp", 6, unary<ops::exp>},
    {"Log", 6, unary<ops::log>},
    {"Floor", 6, unary<ops::floor>},
    {"Ceil", 6, unary<ops::ceil>},
    {"Round", 11, unary<ops::round>},
    {"Erf", 9, unary<ops::erf>},
    {"Sin", 7, unary<ops::sin>},
    {"Cos", 7, unary<ops::cos>},
    {"Tan", 7, unary<ops::tan>},
    {"Asin", 7, unary<ops::asin>},
    {"Acos", 7, unary<ops::acos>},
    {"Atan", 7, unary<ops::atan>},
    {"Sinh", 9, unary<ops::sinh>},
    {"Cosh", 9, unary<ops::cosh>},
    {"Asinh", 9, unary<ops::asinh>},
    {"Acosh", 9, unary<ops::acosh>},
    {"Atanh", 9, unary<ops::atanh>},
    {"IsNaN", 9, unary<ops::isnan>},
    {"IsInf", 10, is_inf},
    {"Cast", 6, cast},
    {"CastLike", 15, cast_like},
    {"Identity", 1, identity},
};

}  // namespace

std::span<const Mapping> elementwise_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
