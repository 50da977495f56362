#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kTanh = {
    .name = "tanh",
    .summary = "Hyperbolic tangent.",
    .formula = "dst = (e^x - e^-x) / (e^x + e^-x)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * (1.0 - square(c.out()))};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return std::tanh(x); }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"f32[9]@-50:50"}}, {{"bf16[7]"}}},
};

Value tanh(const Value& x) { return make_value(kTanh, {x}); }

}  // namespace andiron::ops
