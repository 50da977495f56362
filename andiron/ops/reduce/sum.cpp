#include "andiron/base/wrapping.hpp"
#include "andiron/ops/reduce/reduce.hpp"

namespace andiron::ops {

extern const Op kSum = {
    .name = "sum",
    .summary = "Sum over axes.",
    .formula = "dst = sum of x over axes",
    .inputs = {{"x", "any shape, any numeric dtype"}},
    .attributes = reduce_attributes(),
    .infer = infer_reduce,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {broadcast_to(keep_reduced_axes(c.grad(), c), c.in(0).shape())};
    },
    .reference = [](const ReferenceContext& c) {
      reduce(c, []<class T>(T) { return T(0); },
             []<class T>(T sum, T x) { return wrapping_add(sum, x); });
    },
    .batch = [](const Node& node, std::span<const BatchKind> in) {
      const BatchKind kind = batch_of_reduce(node, in);
      return kind == BatchKind::blocked && in[0] == BatchKind::rows ? BatchKind::partial_sum : kind;
    },
    .cases = {{{"f32[2,3,4]"}},
              {{"f32[2,3,4]"}, {{"axes", std::vector<int64_t>{1}}}},
              {{"f32[2,3,4]"}, {{"axes", std::vector<int64_t>{0, 2}}, {"keepdims", true}}},
              {{"f32[2,0,4]"}, {{"axes", std::vector<int64_t>{1}}}},
              {{"f32[1000]"}},
              {{"i32[5,2]"}, {{"axes", std::vector<int64_t>{-1}}}}},
};

Value sum(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  return make_value(kSum, {x}, {{"axes", std::move(axes)}, {"keepdims", keepdims}});
}

}  // namespace andiron::ops
