#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kStep = {
    .name = "step",
    .summary = "Heaviside step: the derivative of relu.",
    .formula = "dst = 1 if x > 0 else 0; NaN stays NaN",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = nullptr,
    .why_not_differentiable = "its derivative is zero wherever it exists",
    .reference = [](const ReferenceContext& c) {
      map_unary(c, []<class T>(T x) { return x > T(0) ? T(1) : (x <= T(0) ? T(0) : x); });
    },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}},
};

Value step(const Value& x) { return make_value(kStep, {x}); }

}  // namespace andiron::ops
