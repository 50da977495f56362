#include "andiron/base/error.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::ops {

namespace {

std::vector<TensorType> infer(const InferContext& c) {
  if (!is_byte(c.in(0).dtype) || c.in(1).dtype != DType::i8)
    fail("[{}] takes x in uint8 or int8 and weights in int8; got {} and {}", c.op, str(c.in(0)),
         str(c.in(1)));
  if (c.shape(0).rank() != 2 || c.shape(1).rank() != 2 || c.shape(0)[1] != c.shape(1)[0])
    fail("[{}] takes x [n, k] and weights [k, o]; got {} and {}", c.op, c.shape(0).str(),
         c.shape(1).str());
  check_scale_and_shift(c, c.shape(1)[1]);
  return {{c.attr<DType>("dtype"), {c.shape(0)[0], c.shape(1)[1]}}};
}

void reference(const ReferenceContext& c) {
  const int64_t n = c.src[0].size(0), k = c.src[0].size(1), o = c.src[1].size(1);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t col = 0; col < o; ++col) {
      int32_t sum = 0;
      for (int64_t i = 0; i < k; ++i)
        sum += byte_at(c.src[0], row * k + i) * byte_at(c.src[1], i * o + col);
      const float v =
          static_cast<float>(sum) * c.src[2].data<float>()[col] + c.src[3].data<float>()[col];
      store_quantized(c.dst[0], row * o + col, bounded(c.attributes, v));
    }
}

}  // namespace

extern const Op kQuantizedMatmul = {
    .name = "quantized_matmul",
    .summary = "A product of bytes with a matrix of weights, and what follows it, as one op.",
    .formula =
        "dst = to_dtype(clip(scale[o] * sum over k of x[n, k] w[k, o] + shift[o], low, high)); the "
        "sum in int32, to bytes half to even; what the zero points add stands in shift",
    .reference_source =
        "Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient "
        "Integer-Arithmetic-Only Inference",
    .inputs = {{"x", "[n, k], uint8 or int8"},
               {"weights", "[k, o], int8"},
               {"scale", "[o], float32"},
               {"shift", "[o], float32"}},
    .attributes = requantize_attributes(DType::f32),
    .infer = infer,
    .why_not_differentiable = "made for inference; bytes have no slope",
    .reference = reference,
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          for (size_t i = 1; i < in.size(); ++i)
            if (in[i] != BatchKind::fixed) return BatchKind::blocked;
          return in[0];
        },
    .flops =
        [](const Node& node) {
          return 2.0 * static_cast<double>(node.outputs[0].shape.count().size()) *
                 static_cast<double>(node.inputs[1].shape()[0].size());
        },
    .cases = {{{"u8[3,21]@0:256", "i8[21,5]@-60:60", "f32[5]@0.001:0.01", "f32[5]"}},
              {{"u8[2,64]@0:256", "i8[64,40]@-60:60", "f32[40]@0.001:0.003", "f32[40]@0:99"},
               {{"dtype", DType::u8}, {"low", 2.0}}},
              {{"i8[1,8]@-128:128", "i8[8,3]@-120:120", "f32[3]@0.001:0.01", "f32[3]"},
               {{"dtype", DType::i8}}},
              {{"u8[0,8]", "i8[8,3]", "f32[3]", "f32[3]"}}},
};

}  // namespace andiron::ops
