#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kSparseSoftmaxCrossEntropyGrad;

namespace {

constexpr const char* kName = "sparse_softmax_cross_entropy";

void check_operands(const InferContext& c) {
  const TensorType &logits = c.in(0), &labels = c.in(1);
  if (!is_floating(logits.dtype) || logits.shape.rank() == 0)
    fail("[{}] logits must be [..., classes] of floating point values; got {}", kName, str(logits));
  if (labels.dtype != DType::i32 && labels.dtype != DType::i64)
    fail("[{}] labels must be int32 or int64; got {}", kName, str(labels));
  if (labels.shape != Shape(logits.shape.begin(), logits.shape.end() - 1))
    fail("[{}] labels must have the logits' shape without its last axis; logits are {}, labels {}",
         kName, logits.shape.str(), labels.shape.str());
}

// logits [n, c], labels [n]: calls f(row, z, c, label, max, sum of e^(z - max)).
template <class F>
void for_each_sample(const Tensor& logits, const Tensor& labels, F f) {
  const int64_t n = labels.count(), classes = logits.sizes().back();
  visit_dtype(labels.dtype(), [&]<class I>() {
    visit_dtype(logits.dtype(), [&]<class T>() {
      using C = Compute<T>;
      for (int64_t row = 0; row < n; ++row) {
        const T* z = logits.data<T>() + row * classes;
        const auto label = static_cast<int64_t>(labels.data<I>()[row]);
        if (label < 0 || label >= classes)
          fail("[{}] label {} of sample {} is out of range for {} classes", kName, label, row,
               classes);
        C top = static_cast<C>(z[0]), total = 0;
        for (int64_t i = 0; i < classes; ++i)
          if (static_cast<C>(z[i]) > top || z[i] != z[i]) top = static_cast<C>(z[i]);
        for (int64_t i = 0; i < classes; ++i) total += std::exp(static_cast<C>(z[i]) - top);
        f(row, z, classes, label, top, total);
      }
    });
  });
}

BatchKind batch(const Node& node, std::span<const BatchKind> in) {
  const bool rows = in[0] == BatchKind::rows && in[1] == BatchKind::rows;
  return rows && node.inputs[0].rank() > 1 ? BatchKind::rows : BatchKind::blocked;
}

}  // namespace

extern const Op kSparseSoftmaxCrossEntropy = {
    .name = kName,
    .summary = "Cross-entropy of logits with integer labels, per sample, without overflow.",
    .formula = "dst = ln sum_j e^(z[j]) - z[label]",
    .inputs = {{"logits", "[..., classes]"},
               {"labels", "[...], int32 or int64, each in [0, classes)"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_operands(c);
      return {{c.in(0).dtype, c.shape(1)}};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {make_value(kSparseSoftmaxCrossEntropyGrad, {c.in(0), c.in(1), c.grad()}), Value()};
    },
    .reference =
        [](const ReferenceContext& c) {
          for_each_sample(c.src[0], c.src[1],
                          [&]<class T, class C>(int64_t row, const T* z, int64_t, int64_t label,
                                                C top, C total) {
                            c.dst[0].data<T>()[row] =
                                static_cast<T>(std::log(total) - (static_cast<C>(z[label]) - top));
                          });
        },
    .batch = batch,
    .flops =
        [](const Node& node) {
          return 5.0 * static_cast<double>(node.inputs[0].shape().count().size());
        },
    .cases = {{{"f32[4,5]", "i32[4]@0:4"}},
              {{"f32[2,3,5]", "i64[2,3]@0:4"}},
              {{"f32[4,5]@-90:90", "i32[4]@0:4"}, {}, false},
              {{"f32[0,5]", "i32[0]"}},
              {{"f32[5]", "i32[]@0:4"}},
              {{"bf16[4,5]", "i32[4]@0:4"}}},
};

extern const Op kSparseSoftmaxCrossEntropyGrad = {
    .name = "sparse_softmax_cross_entropy_grad",
    .summary = "The gradient of sparse_softmax_cross_entropy with respect to the logits.",
    .formula = "dst[..., j] = g (softmax(z)[j] - [j = label])",
    .inputs = {{"logits", "[..., classes]"},
               {"labels", "[...], int32 or int64"},
               {"g", "[...]: the gradient that arrives"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      check_operands(c);
      if (c.in(2) != TensorType{c.in(0).dtype, c.shape(1)})
        fail("[{}] g must be {}; got {}", c.op, str(TensorType{c.in(0).dtype, c.shape(1)}),
             str(c.in(2)));
      return {c.in(0)};
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      const Value &z = c.in(0), &labels = c.in(1), &g = c.in(2), &h = c.grad();
      if (!z.shape().back().known())
        fail(
            "[sparse_softmax_cross_entropy_grad] has a gradient where the number of classes is "
            "known; "
            "got {}",
            str(z.type()));
      const Value p = softmax(z);
      const Value weighted = h * p, total = sum(weighted, {-1}, true);
      const Value onto_label = h * one_hot(labels, z.shape().back().size(), z.dtype());
      return {expand_dims(g, -1) * (weighted - p * total), Value(),
              sum(weighted - onto_label, {-1})};
    },
    .reference =
        [](const ReferenceContext& c) {
          for_each_sample(c.src[0], c.src[1],
                          [&]<class T, class C>(int64_t row, const T* z, int64_t classes,
                                                int64_t label, C top, C total) {
                            const C g = static_cast<C>(c.src[2].data<T>()[row]);
                            for (int64_t j = 0; j < classes; ++j) {
                              const C p = std::exp(static_cast<C>(z[j]) - top) / total;
                              c.dst[0].data<T>()[row * classes + j] =
                                  static_cast<T>(g * (p - (j == label ? C(1) : C(0))));
                            }
                          });
        },
    .batch = batch,
    .flops =
        [](const Node& node) {
          return 6.0 * static_cast<double>(node.inputs[0].shape().count().size());
        },
    .cases = {{{"f32[4,5]", "i32[4]@0:4", "f32[4]"}},
              {{"f32[2,3,5]", "i64[2,3]@0:4", "f32[2,3]"}},
              {{"f32[0,5]", "i32[0]", "f32[0]"}},
              {{"bf16[4,5]", "i32[4]@0:4", "bf16[4]"}}},
};

Value sparse_softmax_cross_entropy(const Value& logits, const Value& labels) {
  return make_value(kSparseSoftmaxCrossEntropy, {logits, labels});
}

}  // namespace andiron::ops
