#include "andiron/ops/reduce/reduce.hpp"

namespace andiron::ops {

extern const Op kArgmax = {
    .name = "argmax",
    .summary = "The position of the greatest element along an axis; the first of equal ones.",
    .formula = "dst = smallest i with x[i] = max(x); a NaN counts as the greatest",
    .inputs = {{"x", "any shape of rank >= 1; the axis must not be empty"}},
    .attributes = {{"axis", int64_t{-1}, "the axis that is searched and dropped"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const int64_t axis = normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
      Shape shape = c.shape(0);
      if (shape[static_cast<size_t>(axis)] == Dim(0))
        fail("[argmax] axis {} of {} is empty", axis, shape.str());
      shape.erase(shape.begin() + axis);
      return {{DType::i32, shape}};
    },
    .why_not_differentiable = "its result is a position",
    .reference =
        [](const ReferenceContext& c) {
          const Tensor& x = c.src[0];
          const ReduceWalk walk(x, {c.attr<int64_t>("axis")});
          visit_dtype(x.dtype(), [&]<class T>() {
            using C = Compute<T>;
            for (int64_t o = 0; o < walk.n_outputs(); ++o) {
              int64_t best = 0;
              for (int64_t i = 1; i < walk.n_reduced(); ++i) {
                const C v = static_cast<C>(x.data<T>()[walk.offset(o, i)]);
                const C top = static_cast<C>(x.data<T>()[walk.offset(o, best)]);
                if (v > top || (v != v && top == top)) best = i;
              }
              c.dst[0].data<int32_t>()[o] = static_cast<int32_t>(best);
            }
          });
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const int64_t axis =
              normalize_axis("argmax", node.attr<int64_t>("axis"), node.inputs[0].rank());
          return in[0] == BatchKind::rows && axis != 0 ? BatchKind::rows : BatchKind::blocked;
        },
    .cases = {{{"f32[4,5]"}},
              {{"f32[4,5,3]"}, {{"axis", int64_t{1}}}},
              {{"i32[4,9]@0:3"}},
              {{"f32[0,5]"}},
              {{"bf16[2,7]"}}},
};

Value argmax(const Value& x, int64_t axis) { return make_value(kArgmax, {x}, {{"axis", axis}}); }

}  // namespace andiron::ops
