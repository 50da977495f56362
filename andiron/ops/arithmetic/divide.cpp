#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kDivide = {
    .name = "divide",
    .summary = "Divides elementwise, with broadcasting.",
    .formula = "dst = a / b",
    .inputs = {{"a", "left operand"}, {"b", "right operand, of the same dtype"}},
    .infer = infer_floating,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value ga = c.grad() / c.in(1);
      return {sum_to(ga, c.in(0).shape()), sum_to(-ga * c.out(), c.in(1).shape())};
    },
    .reference =
        [](const ReferenceContext& c) { map_binary(c, []<class T>(T a, T b) { return a / b; }); },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]@0.3:3", "f32[2,3]@0.3:3"}},
              {{"f32[4,1,3]@0.3:3", "f32[2,1]@0.3:3"}},
              {{"f32[5]@0.3:3", "f32[]@0.3:3"}},
              {{"f32[0,3]", "f32[3]"}},
              {{"bf16[3,5]@0.3:3", "bf16[5]@0.3:3"}}},
};

Value divide(const Value& a, const Value& b) { return make_value(kDivide, {a, b}); }

}  // namespace andiron::ops
