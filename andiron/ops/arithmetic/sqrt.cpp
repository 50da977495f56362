#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kSqrt = {
    .name = "sqrt",
    .summary = "Square root.",
    .formula = "dst = sqrt(x); NaN below 0",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * 0.5 / c.out()};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::sqrt(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]@0.1:3"}}, {{"f32[0]"}}, {{"bf16[7]@0.1:3"}}},
};

Value sqrt(const Value& x) { return make_value(kSqrt, {x}); }

}  // namespace andiron::ops
