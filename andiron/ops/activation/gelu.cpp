#include <cmath>
#include <concepts>
#include <numbers>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kGeluDerivative;

namespace {

constexpr double kSqrtHalf = 1.0 / std::numbers::sqrt2;
const double kRsqrtTwoPi = std::sqrt(0.5 * std::numbers::inv_pi);
// The tanh approximation: dst = x/2 (1 + tanh(kScale (x + kCubic x^3))).
const double kScale = std::sqrt(2.0 * std::numbers::inv_pi);
constexpr double kCubic = 0.044715;

Value derivative_of_approximation(const Value& x) {
  const Value x2 = square(x);
  const Value t = tanh(x * (x2 * kCubic + 1.0) * kScale);
  const Value inner = (x2 * (3.0 * kCubic) + 1.0) * kScale;
  return ((t + 1.0) + x * (1.0 - square(t)) * inner) * 0.5;
}

}  // namespace

extern const Op kGelu = {
    .name = "gelu",
    .summary = "Gaussian error linear unit.",
    .formula =
        "dst = x Phi(x) = x/2 (1 + erf(x / sqrt 2)); approximate: "
        "x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
    .reference_source = "Hendrycks and Gimpel, Gaussian Error Linear Units, 2016",
    .inputs = {{"x", "any shape"}},
    .attributes = {{"approximate", false, "by tanh instead of erf"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value& x = c.in(0);
      return {c.grad() * (c.attr<bool>("approximate") ? derivative_of_approximation(x)
                                                      : make_value(kGeluDerivative, {x}))};
    },
    .reference =
        [](const ReferenceContext& c) {
          if (c.attr<bool>("approximate")) {
            map_unary(c, []<std::floating_point T>(T x) {
              const T inner = static_cast<T>(kScale) * (x + static_cast<T>(kCubic) * x * x * x);
              return T(0.5) * x * (T(1) + std::tanh(inner));
            });
          } else {
            map_unary(c, []<std::floating_point T>(T x) {
              return T(0.5) * x * (T(1) + std::erf(x * static_cast<T>(kSqrtHalf)));
            });
          }
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}},
              {{"f32[7]"}, {{"approximate", true}}},
              {{"f32[9]@-30:30"}},
              {{"f32[9]@-30:30"}, {{"approximate", true}}},
              {{"f32[0]"}},
              {{"bf16[7]"}}},
};

extern const Op kGeluDerivative = {
    .name = "gelu_derivative",
    .summary = "The derivative of gelu (the exact one).",
    .formula = "dst = Phi(x) + x phi(x), with the normal distribution Phi and its density phi",
    .reference_source = "Hendrycks and Gimpel, Gaussian Error Linear Units, 2016",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value x2 = square(c.in(0));
      return {c.grad() * (exp(x2 * -0.5) * kRsqrtTwoPi * (2.0 - x2))};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_unary(c, []<std::floating_point T>(T x) {
            const T cdf = T(0.5) * (T(1) + std::erf(x * static_cast<T>(kSqrtHalf)));
            return static_cast<T>(cdf +
                                  x * std::exp(T(-0.5) * x * x) * static_cast<T>(kRsqrtTwoPi));
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[9]@-9:9"}}, {{"f32[0]"}}, {{"bf16[7]"}}},
};

Value gelu(const Value& x, bool approximate) {
  return make_value(kGelu, {x}, {{"approximate", approximate}});
}

}  // namespace andiron::ops
