#include "andiron/base/wrapping.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kMultiply = {
    .name = "multiply",
    .summary = "Multiplies elementwise, with broadcasting.",
    .formula = "dst = a * b",
    .inputs = {{"a", "left operand"}, {"b", "right operand, of the same dtype"}},
    .infer = infer_broadcast,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {sum_to(c.grad() * c.in(1), c.in(0).shape()),
              sum_to(c.grad() * c.in(0), c.in(1).shape())};
    },
    .reference = [](const ReferenceContext& c) {
      map_binary(c, []<class T>(T a, T b) { return wrapping_multiply(a, b); });
    },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = {{{"f32[2,3]", "f32[2,3]"}},
              {{"f32[4,1,3]", "f32[2,1]"}},
              {{"f32[5]", "f32[]"}},
              {{"f32[0,3]", "f32[3]"}},
              {{"i32[7]", "i32[7]"}}},
};

Value multiply(const Value& a, const Value& b) { return make_value(kMultiply, {a, b}); }

}  // namespace andiron::ops
