#include <cmath>

#include "andiron/ops/activation/softmax.hpp"

namespace andiron::ops {

extern const Op kLogSoftmax = {
    .name = "log_softmax",
    .summary = "The logarithm of softmax, without overflow.",
    .formula = "dst = x - max - ln sum(e^(x - max))",
    .inputs = {{"x", "any shape of rank >= 1"}},
    .attributes = softmax_attributes(),
    .infer = infer_softmax,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value total = sum(c.grad(), {c.attr<int64_t>("axis")}, true);
      return {c.grad() - exp(c.out()) * total};
    },
    .reference =
        [](const ReferenceContext& c) {
          for_each_lane(c, []<class T>(const T* x, T* y, int64_t n, int64_t stride) {
            using C = Compute<T>;
            C top = static_cast<C>(x[0]), total = 0;
            for (int64_t i = 0; i < n; ++i) {
              const C v = static_cast<C>(x[i * stride]);
              if (v > top || v != v) top = v;
            }
            for (int64_t i = 0; i < n; ++i) total += std::exp(static_cast<C>(x[i * stride]) - top);
            const C shift = std::log(total);
            // Not x - (top + shift): top may be so large that shift would be lost.
            for (int64_t i = 0; i < n; ++i)
              y[i * stride] = static_cast<T>((static_cast<C>(x[i * stride]) - top) - shift);
          });
        },
    .batch = batch_of_softmax,
    .flops =
        [](const Node& node) {
          return 5.0 * static_cast<double>(node.outputs[0].shape.count().size());
        },
    .cases = softmax_cases(),
};

Value log_softmax(const Value& x, int64_t axis) {
  return make_value(kLogSoftmax, {x}, {{"axis", axis}});
}

}  // namespace andiron::ops
