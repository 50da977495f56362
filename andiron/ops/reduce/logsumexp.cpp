#include <cmath>
#include <limits>

#include "andiron/ops/reduce/reduce.hpp"

namespace andiron::ops {

namespace {

void reference(const ReferenceContext& c) {
  const Tensor& x = c.src[0];
  const ReduceWalk walk(x, c.attr<std::vector<int64_t>>("axes"));
  visit_dtype(x.dtype(), [&]<class T>() {
    using C = Compute<T>;
    for (int64_t o = 0; o < walk.n_outputs(); ++o) {
      auto at = [&](int64_t i) { return static_cast<C>(x.data<T>()[walk.offset(o, i)]); };
      C top = -std::numeric_limits<C>::infinity(), total = 0;
      for (int64_t i = 0; i < walk.n_reduced(); ++i)
        if (at(i) > top || at(i) != at(i)) top = at(i);
      // An infinite maximum is the result; x - top would be NaN.
      const C shift = std::isinf(static_cast<double>(top)) ? C(0) : top;
      for (int64_t i = 0; i < walk.n_reduced(); ++i) total += std::exp(at(i) - shift);
      c.dst[0].data<T>()[o] = static_cast<T>(shift + std::log(total));
    }
  });
}

}  // namespace

extern const Op kLogsumexp = {
    .name = "logsumexp",
    .summary = "The logarithm of the sum of exponentials along axes, without overflow.",
    .formula = "dst = max + ln sum(e^(x - max)); -inf when there is nothing to add",
    .inputs = {{"x", "any shape, floating point"}},
    .attributes = reduce_attributes(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      infer_floating(c);
      return infer_reduce(c);
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value out = keep_reduced_axes(c.out(), c), zero = constant(0.0, out.dtype());
      // Where all is -inf the gradient is 0, not exp(-inf + inf).
      const Value empty =
          equal(out, constant(-std::numeric_limits<double>::infinity(), out.dtype()));
      return {keep_reduced_axes(c.grad(), c) * exp(c.in(0) - where(empty, zero, out))};
    },
    .reference = reference,
    .batch = batch_of_reduce,
    .cases = {{{"f32[2,3,4]"}},
              {{"f32[2,3,4]"}, {{"axes", std::vector<int64_t>{1}}}},
              {{"f32[2,3,4]"}, {{"axes", std::vector<int64_t>{0, 2}}, {"keepdims", true}}},
              {{"f32[4,9]@-100:100"}, {{"axes", std::vector<int64_t>{-1}}}, false},
              {{"f32[2,0]"}, {{"axes", std::vector<int64_t>{1}}}},
              {{"bf16[3,7]"}, {{"axes", std::vector<int64_t>{-1}}}}},
};

Value logsumexp(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  return make_value(kLogsumexp, {x}, {{"axes", std::move(axes)}, {"keepdims", keepdims}});
}

}  // namespace andiron::ops
