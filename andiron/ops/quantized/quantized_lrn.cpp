#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::ops {

namespace {

std::vector<TensorType> infer(const InferContext& c) {
  if (c.in(0).dtype != DType::u8) fail("[{}] takes uint8; got {}", c.op, str(c.in(0)));
  (void)normalize_axis(c.op, c.attr<int64_t>("axis"), c.shape(0).rank());
  if (c.attr<int64_t>("size") < 1)
    fail("[{}] size must be positive; got {}", c.op, c.attr<int64_t>("size"));
  for (const char* name : {"src_zero", "dst_zero"})
    if (c.attr<int64_t>(name) < 0 || c.attr<int64_t>(name) > 255)
      fail("[{}] {} must be a uint8; got {}", c.op, name, c.attr<int64_t>(name));
  for (const char* name : {"src_scale", "dst_scale"})
    if (!(c.attr<double>(name) > 0) || !std::isfinite(c.attr<double>(name)))
      fail("[{}] {} must be positive and finite; got {}", c.op, name, c.attr<double>(name));
  return {c.in(0)};
}

void reference(const ReferenceContext& c) {
  const Tensor& x = c.src[0];
  const int64_t axis = normalize_axis("quantized_lrn", c.attr<int64_t>("axis"), x.rank());
  const auto size = c.attr<int64_t>("size");
  const int64_t before = (size - 1) / 2, after = size - 1 - before;
  const auto zero = static_cast<int32_t>(c.attr<int64_t>("src_zero"));
  const double scale = c.attr<double>("src_scale");
  const double factor = c.attr<double>("alpha") / static_cast<double>(size) * scale * scale;
  int64_t inner = 1;
  for (int64_t i = axis + 1; i < x.rank(); ++i) inner *= x.size(i);
  const int64_t n = x.size(axis), outer = n * inner == 0 ? 0 : x.count() / n / inner;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t k = 0; k < n; ++k)
      for (int64_t i = 0; i < inner; ++i) {
        auto at = [&](int64_t channel) { return (o * n + channel) * inner + i; };
        int64_t squares = 0;
        for (int64_t j = std::max<int64_t>(0, k - before); j <= std::min(n - 1, k + after); ++j) {
          const int64_t v = byte_at(x, at(j)) - zero;
          squares += v * v;
        }
        const double base = c.attr<double>("bias") + factor * static_cast<double>(squares);
        const double y =
            scale * (byte_at(x, at(k)) - zero) * std::pow(base, -c.attr<double>("beta"));
        store_quantized(c.dst[0], at(k),
                        static_cast<float>(y / c.attr<double>("dst_scale") +
                                           static_cast<double>(c.attr<int64_t>("dst_zero"))));
      }
}

}  // namespace

extern const Op kQuantizedLrn = {
    .name = "quantized_lrn",
    .summary = "lrn of bytes: the sums of squares are integers, nothing is written in float32.",
    .formula =
        "dst = round(lrn(src_scale (x - src_zero)) / dst_scale) + dst_zero, within 0 to 255; see "
        "lrn",
    .reference_source = "Krizhevsky, Sutskever, Hinton, ImageNet Classification, 2012",
    .inputs = {{"x", "[N, C, ...], uint8"}},
    .attributes = {{"size", {}, "channels in a window", int64_t{5}},
                   {"alpha", 1e-4, "weight of the window's mean square"},
                   {"beta", 0.75, "the exponent"},
                   {"bias", 1.0, "what is added to the weighted mean"},
                   {"axis", int64_t{1}, "that of the channels"},
                   {"src_scale", 1.0, "what one step of x stands for"},
                   {"src_zero", int64_t{0}, "the byte of x that stands for 0"},
                   {"dst_scale", 1.0, "what one step of the result stands for"},
                   {"dst_zero", int64_t{0}, "the byte of the result that stands for 0"}},
    .infer = infer,
    .why_not_differentiable = "made for inference; bytes have no slope",
    .reference = reference,
    .batch =
        [](const Node& node, std::span<const BatchKind> in) {
          const int64_t axis =
              normalize_axis(node.op->name, node.attr<int64_t>("axis"), node.inputs[0].rank());
          return axis > 0 ? in[0] : BatchKind::blocked;
        },
    .flops =
        [](const Node& node) {
          return 3.0 * static_cast<double>(node.outputs[0].shape.count().size()) *
                 static_cast<double>(node.attr<int64_t>("size"));
        },
    .cases = {{{"u8[2,7,3]@0:256"},
               {{"size", int64_t{5}}, {"alpha", 0.5}, {"src_scale", 0.03}, {"dst_scale", 0.017}}},
              {{"u8[3,5,40]@0:256"},
               {{"size", int64_t{5}},
                {"alpha", 0.2},
                {"axis", int64_t{-1}},
                {"src_scale", 0.05},
                {"src_zero", int64_t{13}},
                {"dst_scale", 0.023},
                {"dst_zero", int64_t{40}}}},
              {{"u8[3,70]@0:256"},
               {{"size", int64_t{4}}, {"alpha", 0.001}, {"beta", 0.6}, {"axis", int64_t{-1}}}},
              {{"u8[0,3]"}, {{"size", int64_t{3}}}}},
};

}  // namespace andiron::ops
