#include <algorithm>
#include <numeric>

#include "andiron/ops/elementary.hpp"
#include "andiron/ops/reduce/reduce.hpp"

namespace andiron::ops {

extern const Op kSort = {
    .name = "sort",
    .summary = "The elements along an axis in order, and their positions.",
    .formula =
        "values[j] = x[indices[j]], ascending or descending; equal elements keep their order; NaN "
        "counts as the greatest",
    .inputs = {{"x", "any shape of rank >= 1"}},
    .outputs = {"values", "indices"},
    .attributes = {{"axis", int64_t{-1}, "the axis along which elements are sorted"},
                   {"descending", false, "the greatest first"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
      return {c.in(0), {DType::i32, c.shape(0)}};
    },
    // Each gradient goes back to the position its value came from.
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value& x = c.in(0);
      if (!c.grad(0).defined() || !is_floating(x.dtype())) return {Value()};
      const Value zeros = broadcast_to(constant(0.0, x.dtype()), x.shape());
      return {scatter_elements(zeros, c.out(1), c.grad(0), c.attr<int64_t>("axis"), "none")};
    },
    .reference =
        [](const ReferenceContext& c) {
          const Tensor& x = c.src[0];
          const bool descending = c.attr<bool>("descending");
          const ReduceWalk walk(x, {c.attr<int64_t>("axis")});
          visit_dtype(x.dtype(), [&]<class T>() {
            std::vector<int32_t> order(static_cast<size_t>(walk.n_reduced()));
            for (int64_t o = 0; o < walk.n_outputs(); ++o) {
              const auto at = [&](int64_t i) {
                return static_cast<Compute<T>>(x.data<T>()[walk.offset(o, i)]);
              };
              std::iota(order.begin(), order.end(), 0);
              std::stable_sort(order.begin(), order.end(), [&](int32_t i, int32_t j) {
                const auto a = descending ? at(j) : at(i), b = descending ? at(i) : at(j);
                return a < b || (b != b && a == a);
              });
              for (int64_t i = 0; i < walk.n_reduced(); ++i) {
                const int32_t from = order[static_cast<size_t>(i)];
                c.dst[0].data<T>()[walk.offset(o, i)] = x.data<T>()[walk.offset(o, from)];
                c.dst[1].data<int32_t>()[walk.offset(o, i)] = from;
              }
            }
          });
        },
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const int64_t axis =
              normalize_axis("sort", node.attr<int64_t>("axis"), node.inputs[0].rank());
          return in[0] == BatchKind::rows && axis != 0 ? BatchKind::rows : BatchKind::blocked;
        },
    .cases = {{{"f32[4,5]"}},
              {{"f32[4,5]"}, {{"descending", true}}},
              {{"f32[3,7,2]"}, {{"axis", int64_t{1}}}},
              {{"f32[2,300]"}},
              {{"i32[4,9]@0:3"}, {{"descending", true}}},
              {{"f32[5,0]"}},
              {{"bf16[2,7]@0:3"}}},
};

std::vector<Value> sort(const Value& x, int64_t axis, bool descending) {
  return make_node(kSort, {x}, {{"axis", axis}, {"descending", descending}});
}

}  // namespace andiron::ops
