#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

// 1 where a wins, 1/2 where they are equal, 0 where b wins.
Value share(const Value& a, const Value& b) {
  return (cast(greater_equal(a, b), a.dtype()) + cast(greater(a, b), a.dtype())) * 0.5;
}

}  // namespace

extern const Op kMaximum = {
    .name = "maximum",
    .summary = "The larger of two values, with broadcasting.",
    .formula = "dst = max(a, b); NaN if either is; equal operands share the gradient",
    .inputs = {{"a", "left operand"}, {"b", "right operand, of the same dtype"}},
    .infer = infer_numeric,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &a = c.in(0), &b = c.in(1);
      return {sum_to(c.grad() * share(a, b), a.shape()), sum_to(c.grad() * share(b, a), b.shape())};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_binary(c, []<class T>(T a, T b) { return a > b || a != a ? a : b; });
        },
    .traits = {.elementwise = true, .commutative = true, .inplace = {0}},
    .cases = {{{"f32[2,3]", "f32[2,3]"}},
              {{"f32[4,1,3]", "f32[2,1]"}},
              {{"f32[5]", "f32[]"}},
              {{"f32[0,3]", "f32[3]"}},
              {{"i32[7]", "i32[7]"}},
              {{"bf16[3,5]", "bf16[5]"}}},
};

Value maximum(const Value& a, const Value& b) { return make_value(kMaximum, {a, b}); }

}  // namespace andiron::ops
