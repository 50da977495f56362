#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kExp = {
    .name = "exp",
    .summary = "Exponential function.",
    .formula = "dst = e^x",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> { return {c.grad() * c.out()}; },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::exp(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"f32[9]@-80:80"}, {}, false}, {{"bf16[7]"}}},
};

Value exp(const Value& x) { return make_value(kExp, {x}); }

}  // namespace andiron::ops
