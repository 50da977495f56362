#include <cmath>

#include "andiron/ops/elementwise.hpp"

namespace andiron::ops {

extern const Op kSigmoidCrossEntropy = {
    .name = "sigmoid_cross_entropy",
    .summary = "Binary cross-entropy of logits and labels, elementwise and without overflow.",
    .formula = "dst = max(z, 0) - z y + ln(1 + e^-|z|) = -y ln s(z) - (1 - y) ln(1 - s(z))",
    .inputs = {{"logits", "any shape"}, {"labels", "the same shape and dtype, in [0, 1]"}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (c.shape(0) != c.shape(1))
        fail("[sigmoid_cross_entropy] logits and labels must have one shape; got {} and {}",
             c.shape(0).str(), c.shape(1).str());
      return infer_floating(c);
    },
    .gradient = [](const GradContext& c) -> std::vector<Value> {
      return {c.grad() * (sigmoid(c.in(0)) - c.in(1)), -c.grad() * c.in(0)};
    },
    .reference =
        [](const ReferenceContext& c) {
          map_binary(c, []<class T>(T z, T y) {
            return (z > T(0) ? z : T(0)) - z * y + std::log1p(std::exp(-std::abs(z)));
          });
        },
    .traits = {.elementwise = true, .inplace = {0}},
    .cases = {{{"f32[2,3]", "f32[2,3]@0:1"}},
              {{"f32[9]@-90:90", "f32[9]@0:1"}},
              {{"f32[0]", "f32[0]"}},
              {{"bf16[7]", "bf16[7]@0:1"}}},
};

Value sigmoid_cross_entropy(const Value& logits, const Value& labels) {
  return make_value(kSigmoidCrossEntropy, {logits, labels});
}

}  // namespace andiron::ops
