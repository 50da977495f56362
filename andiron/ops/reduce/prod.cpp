#include "andiron/base/wrapping.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/reduce/reduce.hpp"

namespace andiron::ops {

extern const Op kProd = {
    .name = "prod",
    .summary = "Product over axes.",
    .formula = "dst = product of x over axes; the gradient is NaN where an element is 0",
    .inputs = {{"x", "any shape, any numeric dtype"}},
    .attributes = reduce_attributes(),
    .infer = infer_reduce,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      if (!is_floating(c.in(0).dtype())) return {Value()};
      return {keep_reduced_axes(c.grad() * c.out(), c) / c.in(0)};
    },
    .reference =
        [](const ReferenceContext& c) {
          reduce(
              c, []<class T>(T) { return T(1); },
              []<class T>(T product, T x) { return wrapping_multiply(product, x); });
        },
    .batch = batch_of_reduce,
    .cases = {{{"f32[2,3,4]@0.5:1.5"}},
              {{"f32[2,3,4]@0.5:1.5"}, {{"axes", std::vector<int64_t>{1}}}},
              {{"f32[2,3,4]@0.5:1.5"}, {{"axes", std::vector<int64_t>{0, 2}}, {"keepdims", true}}},
              {{"f32[2,0,4]"}, {{"axes", std::vector<int64_t>{1}}}},
              {{"i32[5,2]"}, {{"axes", std::vector<int64_t>{-1}}}},
              {{"bf16[3,5]@0.5:1.5"}, {{"axes", std::vector<int64_t>{-1}}}}},
};

Value prod(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  return make_value(kProd, {x}, {{"axes", std::move(axes)}, {"keepdims", keepdims}});
}

}  // namespace andiron::ops
