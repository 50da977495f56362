#pragma once

#include <vector>

#include "andiron/ops/elementwise.hpp"

/// Shared by softmax and log_softmax: one axis, normalised lane by lane.
namespace andiron::ops {

std::vector<AttributeSpec> softmax_attributes();
std::vector<TensorType> infer_softmax(const InferContext& c);
BatchKind batch_of_softmax(const Node& node, std::span<const BatchKind> in);
std::vector<Case> softmax_cases();

/// Calls f(src, dst, n, stride) for every lane of n elements, `stride` apart, along the axis.
template <class F>
void for_each_lane(const ReferenceContext& c, F f) {
  const Tensor& x = c.src[0];
  const auto axis =
      static_cast<size_t>(normalize_axis("softmax", c.attr<int64_t>("axis"), x.rank()));
  const int64_t n = x.sizes()[axis], inner = x.strides()[axis];
  if (x.count() == 0) return;
  visit_dtype(x.dtype(), [&]<class T>() {
    for (int64_t outer = 0; outer < x.count() / (n * inner); ++outer)
      for (int64_t i = 0; i < inner; ++i) {
        const int64_t offset = outer * n * inner + i;
        f(x.data<T>() + offset, c.dst[0].data<T>() + offset, n, inner);
      }
  });
}

}  // namespace andiron::ops
