#include "andiron/ops/activation/softmax.hpp"

#include <cmath>

namespace andiron::ops {

std::vector<AttributeSpec> softmax_attributes() {
  return {{"axis", int64_t{-1}, "the axis along which the result is normalised"}};
}

std::vector<TensorType> infer_softmax(const InferContext& c) {
  normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
  return infer_floating(c);
}

BatchKind batch_of_softmax(const Node& node, std::span<const BatchKind> in) {
  const int64_t axis =
      normalize_axis(node.op->name, node.attr<int64_t>("axis"), node.inputs[0].rank());
  return in[0] == BatchKind::rows && axis != 0 ? BatchKind::rows : BatchKind::blocked;
}

std::vector<Case> softmax_cases() {
  return {{{"f32[2,3]"}},
          {{"f32[4,3,2]"}, {{"axis", int64_t{1}}}},
          {{"f32[5]"}, {{"axis", int64_t{0}}}},
          {{"f32[4,9]@-100:100"}, {}, false},
          {{"f32[0,3]"}},
          {{"f32[3,0]"}},
          {{"f32[33,257]"}, {}, false},
          {{"bf16[3,7]"}}};
}

extern const Op kSoftmax = {
    .name = "softmax",
    .summary = "Normalised exponentials along an axis.",
    .formula = "dst = e^(x - max) / sum(e^(x - max))",
    .inputs = {{"x", "any shape of rank >= 1"}},
    .attributes = softmax_attributes(),
    .infer = infer_softmax,
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value weighted = c.grad() * c.out();
      const Value total = sum(weighted, {c.attr<int64_t>("axis")}, true);
      return {weighted - c.out() * total};
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
            for (int64_t i = 0; i < n; ++i)
              y[i * stride] = static_cast<T>(std::exp(static_cast<C>(x[i * stride]) - top) / total);
          });
        },
    .batch = batch_of_softmax,
    .flops =
        [](const Node& node) {
          return 5.0 * static_cast<double>(node.outputs[0].shape.count().size());
        },
    .cases = softmax_cases(),
};

Value softmax(const Value& x, int64_t axis) { return make_value(kSoftmax, {x}, {{"axis", axis}}); }

}  // namespace andiron::ops
