#include "andiron/base/error.hpp"
#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::ops {

namespace {

std::vector<TensorType> infer(const InferContext& c) {
  if (!is_byte(c.in(0).dtype)) fail("[{}] takes uint8 or int8; got {}", c.op, str(c.in(0)));
  const Shape first = channels_first(c.shape(0), c.attr<bool>("channels_last"));
  (void)spatial_sizes(c.op, first);
  return {{DType::f32, {first[0], first[1]}}};
}

void reference(const ReferenceContext& c) {
  const Tensor x = channels_first_view(c.src[0], c.attr<bool>("channels_last")).contiguous();
  const int64_t planes = x.size(0) * x.size(1), n = planes == 0 ? 0 : x.count() / planes;
  const auto scale = static_cast<float>(c.attr<double>("scale"));
  const auto shift = static_cast<float>(c.attr<double>("shift"));
  for (int64_t p = 0; p < planes; ++p) {
    int32_t sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += byte_at(x, p * n + i);
    c.dst[0].data<float>()[p] = static_cast<float>(sum) * scale + shift;
  }
}

}  // namespace

extern const Op kQuantizedSum = {
    .name = "quantized_sum",
    .summary = "The sum of bytes over all places of an image, as a real number.",
    .formula = "dst[n, c] = scale * sum over i of x[n, c, i] + shift",
    .inputs = {{"x", "[N, C, spatial...], uint8 or int8"}},
    .attributes = {{"scale", 1.0, "what one step stands for"},
                   {"shift", 0.0, "what the zero point adds"},
                   channels_last_attribute()},
    .infer = infer,
    .why_not_differentiable = "made for inference; bytes have no slope",
    .reference = reference,
    .batch = [](const Node&, std::span<const BatchKind> in) { return in[0]; },
    .cases = {{{"u8[2,3,5,4]@0:256"}, {{"scale", 0.25}, {"shift", -3.0}}},
              {{"u8[2,7,7,40]@0:256"}, {{"scale", 0.01}, {"channels_last", true}}},
              {{"i8[2,5,33]@-128:128"}, {{"channels_last", true}}},
              {{"u8[0,3,4]"}}},
};

}  // namespace andiron::ops
