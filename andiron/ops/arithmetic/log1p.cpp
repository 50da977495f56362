#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kLog1p = {
    .name = "log1p",
    .summary = "Natural logarithm of 1 + x, exact for small x.",
    .formula = "dst = ln(1 + x)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() / (c.in(0) + 1.0)};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::log1p(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]@-0.9:3"}}, {{"f32[0]"}}, {{"bf16[7]@-0.9:3"}}},
};

Value log1p(const Value& x) { return make_value(kLog1p, {x}); }

}  // namespace andiron::ops
