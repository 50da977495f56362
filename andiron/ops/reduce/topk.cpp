#include <algorithm>
#include <numeric>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

namespace {

void reference(const ReferenceContext& c) {
  const Tensor& x = c.src[0];
  const int64_t k = c.attr<int64_t>("k"), n = x.sizes().back();
  if (c.dst[0].count() == 0) return;
  visit_dtype(x.dtype(), [&]<class T>() {
    std::vector<int32_t> order(static_cast<size_t>(n));
    for (int64_t row = 0; row < x.count() / n; ++row) {
      const T* v = x.data<T>() + row * n;
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int32_t i, int32_t j) {
        const bool i_nan = v[i] != v[i], j_nan = v[j] != v[j];
        if (i_nan != j_nan) return i_nan;
        if (!i_nan && v[i] != v[j]) return v[i] > v[j];
        return i < j;
      });
      for (int64_t i = 0; i < k; ++i) {
        c.dst[0].data<T>()[row * k + i] = v[order[static_cast<size_t>(i)]];
        c.dst[1].data<int32_t>()[row * k + i] = order[static_cast<size_t>(i)];
      }
    }
  });
}

}  // namespace

extern const Op kTopk = {
    .name = "topk",
    .summary = "The k largest elements along the last axis, descending, and their positions.",
    .formula = "values[j] = x[indices[j]]; of equal elements the first comes first; NaN is largest",
    .inputs = {{"x", "[..., n] with n >= k"}},
    .outputs = {"values", "indices"},
    .attributes = {{"k", {}, "how many", int64_t{}}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      Shape shape = c.shape(0);
      const int64_t k = c.attr<int64_t>("k");
      if (shape.rank() == 0) fail("[topk] takes rank >= 1; got a scalar");
      if (k < 1 || (shape.back().known() && k > shape.back().size()))
        fail("[topk] k must lie in [1, {}]; got {}", shape.back().str(), k);
      shape.back() = k;
      return {{c.in(0).dtype, shape}, {DType::i32, shape}};
    },
    // Each gradient goes back to the position its value came from.
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value& x = c.in(0);
      if (!c.grad(0).defined() || !is_floating(x.dtype())) return {Value()};
      if (!x.shape().back().known())
        fail("[topk] has a gradient where the last axis has a known size; got {}", str(x.type()));
      const Value at = one_hot(c.out(1), x.shape().back().size(), x.dtype());
      return {sum(expand_dims(c.grad(0), -1) * at, {-2})};
    },
    .reference = reference,
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          return in[0] == BatchKind::rows && node.inputs[0].rank() > 1 ? BatchKind::rows
                                                                       : BatchKind::blocked;
        },
    .cases = {{{"f32[4,5]"}, {{"k", int64_t{2}}}},
              {{"f32[2,3,5]"}, {{"k", int64_t{5}}}},
              {{"i32[4,9]@0:3"}, {{"k", int64_t{4}}}},
              {{"f32[0,5]"}, {{"k", int64_t{1}}}},
              {{"f32[3,300]"}, {{"k", int64_t{20}}}},
              {{"bf16[2,7]"}, {{"k", int64_t{3}}}}},
};

std::vector<Value> topk(const Value& x, int64_t k) { return make_node(kTopk, {x}, {{"k", k}}); }

}  // namespace andiron::ops
