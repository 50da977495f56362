#include "andiron/base/wrapping.hpp"
#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kAdd = {
    .name = "add",
    .summary = "Adds elementwise, with broadcasting.",
    .formula = "dst = a + b",
    .inputs = {{"a", "left operand"}, {"b", "right operand, of the same dtype"}},
    .infer = infer_broadcast,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {sum_to(c.grad(), c.in(0).shape()), sum_to(c.grad(), c.in(1).shape())};
    },
    .reference = [](const ReferenceContext& c) {
      map_binary(c, []<class T>(T a, T b) { return wrapping_add(a, b); });
    },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = {{{"f32[2,3]", "f32[2,3]"}},
              {{"f32[4,1,3]", "f32[2,1]"}},
              {{"f32[5]", "f32[]"}},
              {{"f32[0,3]", "f32[3]"}},
              {{"i32[7]", "i32[7]"}},
              {{"bf16[3,5]", "bf16[5]"}}},
};

Value add(const Value& a, const Value& b) { return make_value(kAdd, {a, b}); }

}  // namespace andiron::ops
