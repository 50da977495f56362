#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kLog = {
    .name = "log",
    .summary = "Natural logarithm.",
    .formula = "dst = ln x; -inf at 0, NaN below",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> { return {c.grad() / c.in(0)}; },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::log(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]@0.1:3"}}, {{"f32[0]"}}, {{"bf16[7]@0.1:3"}}},
};

Value log(const Value& x) { return make_value(kLog, {x}); }

}  // namespace andiron::ops
