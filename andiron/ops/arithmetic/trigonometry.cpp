#include <cmath>

#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

std::vector<Case> trigonometry_cases() { return {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"bf16[7]"}}}; }

}  // namespace

extern const Op kSin = {
    .name = "sin",
    .summary = "Sine.",
    .formula = "dst = sin x, x in radians",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * cos(c.in(0))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::sin(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = trigonometry_cases(),
};

extern const Op kCos = {
    .name = "cos",
    .summary = "Cosine.",
    .formula = "dst = cos x, x in radians",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {-c.grad() * sin(c.in(0))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::cos(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = trigonometry_cases(),
};

extern const Op kAtan = {
    .name = "atan",
    .summary = "Arc tangent.",
    .formula = "dst = atan x, in (-pi/2, pi/2)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() / (square(c.in(0)) + 1.0)};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::atan(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = trigonometry_cases(),
};

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
    .cases = trigonometry_cases(),
};

Value sin(const Value& x) { return make_value(kSin, {x}); }
Value cos(const Value& x) { return make_value(kCos, {x}); }
Value atan(const Value& x) { return make_value(kAtan, {x}); }
Value erf(const Value& x) { return make_value(kErf, {x}); }

}  // namespace andiron::ops
