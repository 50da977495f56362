#include "andiron/ops/reduce/reduce.hpp"

namespace andiron::ops {

extern const Op kCountOf = {
    .name = "count_of",
    .summary = "The number of elements along axes, as a scalar: a constant once shapes are bound.",
    .formula = "dst = product of x.shape[axes]",
    .inputs = {{"x", "only its shape counts"}},
    .attributes = {{"axes", std::vector<int64_t>{}, "axes to count; empty means all"},
                   {"dtype", DType::f32, "dtype of the result"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      normalize_axes(c.op, c.attr<std::vector<int64_t>>("axes"), c.shape(0).rank());
      return {{c.attr<DType>("dtype"), {}}};
    },
    .why_not_differentiable = "it depends on the shape only",
    .reference = [](const ReferenceContext& c) {
      int64_t n = 1;
      for (int64_t a : normalize_axes("count_of", c.attr<std::vector<int64_t>>("axes"),
                                      c.src[0].rank()))
        n *= c.src[0].size(a);
      c.dst[0].copy_from(Tensor::scalar(static_cast<double>(n), c.dst[0].dtype()));
    },
    .cases = {{{"f32[2,3]"}}, {{"f32[2,3]"}, {{"axes", std::vector<int64_t>{1}}}}},
};

Value count_of(const Value& x, std::vector<int64_t> axes, DType dtype) {
  return make_value(kCountOf, {x}, {{"axes", std::move(axes)}, {"dtype", dtype}});
}

}  // namespace andiron::ops
