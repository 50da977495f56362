#include <cmath>

#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

std::vector<Case> cases_in(const std::string& range) {
  return {{{"f32[2,3]" + range}}, {{"f32[0]"}}, {{"f32[37]" + range}}, {{"bf16[7]" + range}}};
}

// Giles's approximation in single precision, then Newton's (Halley's) steps with erf itself.
double erfinv_of(double x) {
  const double a = std::abs(x);
  if (!(a < 1.0)) return a == 1.0 ? std::copysign(INFINITY, x) : NAN;
  double w = -std::log((1.0 - x) * (1.0 + x)), p;
  if (w < 5.0) {
    w -= 2.5;
    p = 2.81022636e-08;
    for (double k : {3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
                     -0.00417768164, 0.246640727, 1.50140941})
      p = k + p * w;
  } else {
    w = std::sqrt(w) - 3.0;
    p = -0.000200214257;
    for (double k : {0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
                     0.00943887047, 1.00167406, 2.83297682})
      p = k + p * w;
  }
  double y = p * x;
  for (int i = 0; i < 3; ++i) {
    // The small complement keeps its digits near 1.
    const double miss = x > 0 ? (1.0 - x) - std::erfc(y) : std::erfc(-y) - (1.0 + x);
    const double step = miss / (M_2_SQRTPI * std::exp(-y * y));
    y -= step / (1.0 + y * step);
  }
  return y;
}

}  // namespace

extern const Op kErf = {
    .name = "erf",
    .summary = "The error function.",
    .formula = "dst = 2 / sqrt(pi) * integral of e^(-t^2) from 0 to x",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * exp(-square(c.in(0))) * M_2_SQRTPI};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::erf(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kErfc = {
    .name = "erfc",
    .summary = "1 - erf(x), precise where it is small.",
    .formula = "dst = 2 / sqrt(pi) * integral of e^(-t^2) from x to infinity",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * exp(-square(c.in(0))) * -M_2_SQRTPI};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::erfc(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kErfinv = {
    .name = "erfinv",
    .summary = "The inverse of the error function.",
    .formula = "dst = the y with erf(y) = x; infinite at 1 and -1, NaN beyond",
    .reference_source = "Giles, Approximating the erfinv function, 2012",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * exp(square(c.out())) * (1.0 / M_2_SQRTPI)};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_unary(c,
                    []<class T>(T x) { return static_cast<T>(erfinv_of(static_cast<double>(x))); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@-0.95:0.95"),
};

Value erf(const Value& x) { return make_value(kErf, {x}); }
Value erfc(const Value& x) { return make_value(kErfc, {x}); }
Value erfinv(const Value& x) { return make_value(kErfinv, {x}); }

}  // namespace andiron::ops
