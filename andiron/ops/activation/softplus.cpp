#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kSoftplus = {
    .name = "softplus",
    .summary = "A smooth relu.",
    .formula = "dst = ln(1 + e^x), computed as max(x, 0) + ln(1 + e^-|x|)",
    .inputs = {{"x", "any shape"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * sigmoid(c.in(0))};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_unary(c, []<class T>(T x) {
            return (x > T(0) ? x : T(0)) + std::log1p(std::exp(-std::abs(x)));
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"f32[9]@-50:50"}}, {{"bf16[7]"}}},
};

Value softplus(const Value& x) { return make_value(kSoftplus, {x}); }

}  // namespace andiron::ops
