#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/ops.hpp"

/// Shared by the rooms of elementwise ops: shape rules and the reference loop.
namespace andiron::ops {

/// All inputs have one dtype and broadcast to one shape.
std::vector<TensorType> infer_broadcast(const InferContext& c);
/// The same, with a bool result.
std::vector<TensorType> infer_comparison(const InferContext& c);
/// The same, numbers only (no bool).
std::vector<TensorType> infer_numeric(const InferContext& c);
/// The same, floating point only.
std::vector<TensorType> infer_floating(const InferContext& c);

/// Element offsets of one operand while walking the broadcast result in row-major order.
class BroadcastWalk {
 public:
  BroadcastWalk(const Tensor& operand, const Sizes& result);
  int64_t offset() const { return offset_; }
  void next();

 private:
  Sizes sizes_, strides_, index_;
  int64_t offset_ = 0;
};

/// The type an op computes in: float for bfloat16, otherwise the type itself.
template <class T>
using Compute = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

/// dst[i] = f(src0[i]) for every dtype that `f` accepts; f is a generic lambda over Compute<T>.
template <class F>
void map_unary(const ReferenceContext& c, F f) {
  visit_dtype(c.src[0].dtype(), [&]<class T>() {
    using C = Compute<T>;
    if constexpr (std::is_invocable_v<F, C>) {
      using R = std::decay_t<std::invoke_result_t<F, C>>;
      using D = std::conditional_t<std::is_same_v<R, bool>, bool, T>;
      const T* x = c.src[0].data<T>();
      D* y = c.dst[0].data<D>();
      for (int64_t i = 0; i < c.dst[0].count(); ++i) y[i] = static_cast<D>(f(static_cast<C>(x[i])));
    } else {
      ANDIRON_ASSERT(!"dtype");
    }
  });
}

/// dst[i] = f(a[i], b[i]) with broadcasting.
template <class F>
void map_binary(const ReferenceContext& c, F f) {
  BroadcastWalk a(c.src[0], c.dst[0].sizes()), b(c.src[1], c.dst[0].sizes());
  visit_dtype(c.src[0].dtype(), [&]<class T>() {
    using C = Compute<T>;
    using R = std::decay_t<std::invoke_result_t<F, C, C>>;
    using D = std::conditional_t<std::is_same_v<R, bool>, bool, T>;
    const T* x = c.src[0].data<T>();
    const T* y = c.src[1].data<T>();
    D* z = c.dst[0].data<D>();
    for (int64_t i = 0; i < c.dst[0].count(); ++i, a.next(), b.next())
      z[i] = static_cast<D>(f(static_cast<C>(x[a.offset()]), static_cast<C>(y[b.offset()])));
  });
}

}  // namespace andiron::ops
