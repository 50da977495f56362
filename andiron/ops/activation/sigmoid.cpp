#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kSigmoid = {
    .name = "sigmoid",
    .summary = "Logistic function.",
    .formula = "dst = 1 / (1 + e^-x)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * c.out() * (1.0 - c.out())};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_unary(c, []<class T>(T x) { return T(1) / (T(1) + std::exp(-x)); });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"f32[9]@-50:50"}}, {{"bf16[7]"}}},
};

Value sigmoid(const Value& x) { return make_value(kSigmoid, {x}); }

}  // namespace andiron::ops
