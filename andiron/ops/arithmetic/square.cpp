#include "andiron/base/wrapping.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kSquare = {
    .name = "square",
    .summary = "Square.",
    .formula = "dst = x^2",
    .inputs = {{"x", "any shape"}},
    .infer = infer_numeric,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * 2.0 * c.in(0)};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_unary(c, []<class T>(T x) { return wrapping_multiply(x, x); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"i32[5]"}}, {{"bf16[7]"}}},
};

Value square(const Value& x) { return make_value(kSquare, {x}); }

}  // namespace andiron::ops
