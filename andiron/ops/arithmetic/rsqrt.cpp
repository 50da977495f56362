#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kRsqrt = {
    .name = "rsqrt",
    .summary = "Reciprocal of the square root.",
    .formula = "dst = 1 / sqrt(x)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * -0.5 * c.out() * square(c.out())};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_unary(c, []<class T>(T x) { return T(1) / std::sqrt(x); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]@0.1:3"}}, {{"f32[0]"}}, {{"bf16[7]@0.1:3"}}},
};

Value rsqrt(const Value& x) { return make_value(kRsqrt, {x}); }

}  // namespace andiron::ops
