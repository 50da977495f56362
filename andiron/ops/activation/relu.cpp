#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kRelu = {
    .name = "relu",
    .summary = "Rectified linear unit.",
    .formula = "dst = max(x, 0); NaN stays NaN",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    // The result tells the sign as well as x does, and is what the backward pass has at hand.
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * step(c.out())};
    },
    .reference = [](const ReferenceContext& c) {
      map_unary(c, []<class T>(T x) { return x < T(0) ? T(0) : x; });
    },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"bf16[17]"}}},
};

Value relu(const Value& x) { return make_value(kRelu, {x}); }

}  // namespace andiron::ops
