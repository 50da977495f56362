#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kReciprocal = {
    .name = "reciprocal",
    .summary = "Reciprocal.",
    .formula = "dst = 1 / x",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {-c.grad() * square(c.out())};
    },
    .reference =
        [](const ReferenceContext& c) { map_unary(c, []<class T>(T x) { return T(1) / x; }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]@0.2:3"}}, {{"f32[0]"}}, {{"bf16[7]@0.2:3"}}},
};

Value reciprocal(const Value& x) { return make_value(kReciprocal, {x}); }

}  // namespace andiron::ops
