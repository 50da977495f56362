#include "andiron/base/wrapping.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kNegative = {
    .name = "negative",
    .summary = "Changes the sign.",
    .formula = "dst = -x",
    .inputs = {{"x", "any shape"}},
    .infer = infer_numeric,
    .gradient = [](const GradContext& c) -> std::vector<Value> { return {-c.grad()}; },
    .reference =
        [](const ReferenceContext& c) {
          map_unary(c, []<class T>(T x) { return wrapping_negative(x); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"i32[5]"}}, {{"bf16[7]"}}},
};

Value negative(const Value& x) { return make_value(kNegative, {x}); }

}  // namespace andiron::ops
