#pragma once

#include <vector>

#include "andiron/ops/elementwise.hpp"

/// Shared by the rooms of reductions.
namespace andiron::ops {

/// axes (empty: all) and keepdims.
std::vector<AttributeSpec> reduce_attributes();
std::vector<TensorType> infer_reduce(const InferContext& c);
/// The same for reductions that nothing cannot have: a reduced axis must not be empty.
std::vector<TensorType> infer_reduce_nonempty(const InferContext& c);
/// The gradient of max and min: evenly to all elements that equal the result.
std::vector<Value> share_among_equals(const GradContext& c);
/// Cases of max and min.
std::vector<Case> reduce_cases();
/// Puts the axes that the reduction dropped back as size 1, so that `value` broadcasts to x.
Value keep_reduced_axes(const Value& value, const GradContext& c);
/// rows when axis 0 survives, blocked when it is reduced.
BatchKind batch_of_reduce(const Node& node, std::span<const BatchKind> in);

/// For each output element: the flat offsets of its inputs, in order.
class ReduceWalk {
 public:
  ReduceWalk(const Tensor& src, const std::vector<int64_t>& axes);
  int64_t n_outputs() const { return n_outputs_; }
  int64_t n_reduced() const { return n_reduced_; }
  int64_t offset(int64_t output, int64_t i) const;

 private:
  Sizes kept_sizes_, kept_strides_, reduced_sizes_, reduced_strides_;
  int64_t n_outputs_ = 1, n_reduced_ = 1;
};

/// dst = fold(...fold(fold(first(x0), x0), x1)...) in Compute<T>; `first` sees the first element,
/// or T(0) when there is none.
template <class First, class Fold>
void reduce(const ReferenceContext& c, First first, Fold fold) {
  const Tensor& x = c.src[0];
  const ReduceWalk walk(x, c.attr<std::vector<int64_t>>("axes"));
  visit_dtype(x.dtype(), [&]<class T>() {
    using C = Compute<T>;
    for (int64_t o = 0; o < walk.n_outputs(); ++o) {
      C value = first(walk.n_reduced() > 0 ? static_cast<C>(x.data<T>()[walk.offset(o, 0)]) : C(0));
      for (int64_t i = 0; i < walk.n_reduced(); ++i)
        value = fold(value, static_cast<C>(x.data<T>()[walk.offset(o, i)]));
      c.dst[0].data<T>()[o] = static_cast<T>(value);
    }
  });
}

}  // namespace andiron::ops
