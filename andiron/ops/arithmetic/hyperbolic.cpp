#include <cmath>

#include "andiron/ops/elementary.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

std::vector<Case> cases_in(const std::string& range) {
  return {{{"f32[2,3]" + range}}, {{"f32[0]"}}, {{"f32[37]" + range}}, {{"bf16[7]" + range}}};
}

}  // namespace

extern const Op kSinh = {
    .name = "sinh",
    .summary = "Hyperbolic sine.",
    .formula = "dst = (e^x - e^-x) / 2",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * cosh(c.in(0))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::sinh(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kCosh = {
    .name = "cosh",
    .summary = "Hyperbolic cosine.",
    .formula = "dst = (e^x + e^-x) / 2",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * sinh(c.in(0))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::cosh(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in(""),
};

extern const Op kAsinh = {
    .name = "asinh",
    .summary = "Inverse of the hyperbolic sine.",
    .formula = "dst = ln(x + sqrt(x^2 + 1))",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * rsqrt(square(c.in(0)) + 1.0)};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::asinh(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@-5:5"),
};

extern const Op kAcosh = {
    .name = "acosh",
    .summary = "Inverse of the hyperbolic cosine.",
    .formula = "dst = ln(x + sqrt(x^2 - 1)), NaN below 1",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * rsqrt(square(c.in(0)) - 1.0)};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::acosh(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@1.5:5"),
};

extern const Op kAtanh = {
    .name = "atanh",
    .summary = "Inverse of the hyperbolic tangent.",
    .formula = "dst = ln((1 + x) / (1 - x)) / 2, NaN beyond 1 and -1",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() / (1.0 - square(c.in(0)))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::atanh(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = cases_in("@-0.9:0.9"),
};

Value sinh(const Value& x) { return make_value(kSinh, {x}); }
Value cosh(const Value& x) { return make_value(kCosh, {x}); }
Value asinh(const Value& x) { return make_value(kAsinh, {x}); }
Value acosh(const Value& x) { return make_value(kAcosh, {x}); }
Value atanh(const Value& x) { return make_value(kAtanh, {x}); }

}  // namespace andiron::ops
