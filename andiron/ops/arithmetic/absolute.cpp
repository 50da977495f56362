#include "andiron/base/wrapping.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kAbsolute = {
    .name = "absolute",
    .summary = "Absolute value.",
    .formula = "dst = |x|; the derivative at 0 is 0",
    .inputs = {{"x", "any shape"}},
    .infer = infer_numeric,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * sign(c.in(0))};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_unary(c, []<class T>(T x) {
            return x < T(0) ? wrapping_negative(x) : x == T(0) ? T(0) : x;
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]"}}, {{"f32[0]"}}, {{"i32[5]"}}, {{"bf16[7]"}}},
};

Value absolute(const Value& x) { return make_value(kAbsolute, {x}); }

}  // namespace andiron::ops
