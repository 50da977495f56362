#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kSign = {
    .name = "sign",
    .summary = "The sign: -1, 0 or 1.",
    .formula = "dst = -1 if x < 0, 1 if x > 0, 0 if x = 0; NaN stays NaN",
    .inputs = {{"x", "any shape"}},
    .infer = infer_numeric,
    .gradient = nullptr,
    .why_not_differentiable = "its derivative is zero wherever it exists",
    .reference =
        [](const ReferenceContext& c) {
          map_unary(
              c, []<class T>(T x) { return static_cast<T>(x > T(0) ? 1 : (x < T(0) ? -1 : x)); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"i32[5]"}}, {{"bf16[7]"}}},
};

Value sign(const Value& x) { return make_value(kSign, {x}); }

}  // namespace andiron::ops
