#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::ops {

extern const Op kQuantizedConv;

namespace {

using Ints = std::vector<int64_t>;

// Beyond every float32: no bound.
constexpr double kUnbounded = std::numeric_limits<float>::max();

std::vector<AttributeSpec> attributes() {
  std::vector<AttributeSpec> list = window_attributes();
  list.push_back({"groups", int64_t{1}, "C and O fall into as many separate parts"});
  list.push_back(channels_last_attribute());
  list.push_back({"pad_value", int64_t{0}, "what x is where padding is: its zero point"});
  list.push_back({"residual_scale", 1.0, "the factor of the residual"});
  for (AttributeSpec& spec : requantize_attributes(DType::u8)) list.push_back(std::move(spec));
  return list;
}

ConvShape shape_of(const Attributes& attributes, const Shape& x, const Shape& weights) {
  Node node;
  node.op = &kQuantizedConv;
  node.attributes = attributes;
  node.inputs = {input("x", DType::u8, x), input("w", DType::i8, weights)};
  return conv_shape(node);
}

std::vector<TensorType> infer(const InferContext& c) {
  if (!is_byte(c.in(0).dtype) || c.in(1).dtype != DType::i8)
    fail("[{}] takes x in uint8 or int8 and weights in int8; got {} and {}", c.op, str(c.in(0)),
         str(c.in(1)));
  const ConvShape s = shape_of(c.attributes, c.shape(0), c.shape(1));
  check_scale_and_shift(c, s.filters);
  const auto pad = c.attr<int64_t>("pad_value");
  const int64_t low = c.in(0).dtype == DType::u8 ? 0 : -128;
  if (pad < low || pad > low + 255)
    fail("[{}] pad_value must be a {}; got {}", c.op, name_of(c.in(0).dtype), pad);
  const TensorType type{c.attr<DType>("dtype"), channels_last(s.dst, s.channels_last)};
  if (c.n() > 4 && c.inputs[4].defined() && c.in(4) != type)
    fail("[{}] residual must be {}; got {}", c.op, str(type), str(c.in(4)));
  return {type};
}

void reference(const ReferenceContext& c) {
  const ConvShape s = shape_of(c.attributes, Shape(c.src[0].sizes()), Shape(c.src[1].sizes()));
  const Tensor x = channels_first_view(c.src[0], s.channels_last).contiguous();
  const Tensor w = c.src[1].contiguous();
  Tensor dst(c.dst[0].dtype(), s.dst.sizes());
  Tensor residual;
  if (c.src.size() > 4 && c.src[4].defined())
    residual = channels_first_view(c.src[4], s.channels_last).contiguous();
  const auto pad = static_cast<int32_t>(c.attr<int64_t>("pad_value"));
  const auto residual_scale = static_cast<float>(c.attr<double>("residual_scale"));
  const WindowLoop loop(s.window, s.src.sizes(), s.dst.sizes());
  const int64_t channels = s.channels / s.groups, filters = s.filters / s.groups;
  const int64_t taps = s.window.taps();
  for (int64_t n = 0; n < s.src[0].size(); ++n)
    for (int64_t k = 0; k < s.filters; ++k)
      for (int64_t o = 0; o < loop.n_out(); ++o) {
        int32_t sum = 0;
        for (int64_t i = 0; i < channels; ++i) {
          const int64_t plane = (n * s.channels + k / filters * channels + i) * loop.n_in();
          const int64_t row = (k * channels + i) * taps;
          int32_t padded = 0;
          for (int64_t t = 0; t < taps; ++t) padded += byte_at(w, row + t);
          sum += pad * padded;
          loop.taps_of(o, [&](int64_t place, int64_t tap) {
            sum += (byte_at(x, plane + place) - pad) * byte_at(w, row + tap);
          });
        }
        const int64_t at = (n * s.filters + k) * loop.n_out() + o;
        float v = static_cast<float>(sum) * c.src[2].data<float>()[k] + c.src[3].data<float>()[k];
        if (residual.defined())
          v += residual_scale * (residual.dtype() == DType::f32
                                     ? residual.data<float>()[at]
                                     : static_cast<float>(byte_at(residual, at)));
        store_quantized(dst, at, bounded(c.attributes, v));
      }
  channels_first_view(c.dst[0], s.channels_last).copy_from(dst);
}

}  // namespace

std::vector<AttributeSpec> requantize_attributes(DType dtype) {
  return {{"low", -kUnbounded, "the least that a result may be before it is rounded"},
          {"high", kUnbounded, "the greatest"},
          {"dtype", dtype, "of the result: uint8, int8, or float32, which is not rounded"}};
}

void check_scale_and_shift(const InferContext& c, const Dim& n) {
  for (const size_t i : {2, 3})
    if (c.in(i).dtype != DType::f32 || c.shape(i) != Shape{n})
      fail("[{}] {} must be float32[{}]; got {}", c.op, i == 2 ? "scale" : "shift", n.str(),
           str(c.in(i)));
  const auto dtype = c.attr<DType>("dtype");
  if (!is_byte(dtype) && dtype != DType::f32)
    fail("[{}] dtype must be uint8, int8 or float32; got {}", c.op, name_of(dtype));
  if (const double low = c.attr<double>("low"), high = c.attr<double>("high"); !(low <= high))
    fail("[{}] low must not exceed high; got {} and {}", c.op, low, high);
}

float bounded(const Attributes& attributes, float v) {
  const auto low = static_cast<float>(attributes.get<double>("low"));
  const auto high = static_cast<float>(attributes.get<double>("high"));
  return v < low ? low : v > high ? high : v;
}

bool pairs_fit_16_bits(const Tensor& weights, int64_t axis) {
  ANDIRON_ASSERT(weights.dtype() == DType::i8);
  const Tensor dense = weights.contiguous();
  int64_t inner = 1;
  for (int64_t i = axis + 1; i < dense.rank(); ++i) inner *= dense.size(i);
  const int64_t n = dense.size(axis);
  const int64_t outer = n * inner == 0 ? 0 : dense.count() / n / inner;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t c = 0; c + 1 < n; c += 2)
      for (int64_t i = 0; i < inner; ++i) {
        const int32_t a = dense.data<int8_t>()[(o * n + c) * inner + i];
        const int32_t b = dense.data<int8_t>()[(o * n + c + 1) * inner + i];
        if (std::max(a, 0) + std::max(b, 0) > 128 || std::min(a, 0) + std::min(b, 0) < -128)
          return false;
      }
  return true;
}

extern const Op kQuantizedConv = {
    .name = "quantized_conv",
    .summary = "A convolution of bytes, and what follows it, as one op.",
    .formula =
        "dst = to_dtype(clip(scale[o] * sum over c, t of w[o, c, t] x[...] + shift[o] + "
        "residual_scale * residual, low, high)); the sum in int32, to bytes half to even; what the "
        "zero points add stands in shift",
    .reference_source =
        "Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient "
        "Integer-Arithmetic-Only Inference",
    .inputs = {{"x", "[N, C, spatial...], uint8 or int8"},
               {"weights", "[O, C/groups, kernel...], int8"},
               {"scale", "[O], float32"},
               {"shift", "[O], float32"},
               {"residual", "of the result's type", true}},
    .attributes = attributes(),
    .infer = infer,
    .why_not_differentiable = "made for inference; bytes have no slope",
    .reference = reference,
    .batch =
        [](const Node&, std::span<const BatchKind> in) {
          const bool fixed = std::all_of(in.begin() + 1, in.begin() + 4,
                                         [](BatchKind k) { return k == BatchKind::fixed; });
          const bool together = in.size() < 5 || in[4] == in[0];
          return fixed && together ? in[0] : BatchKind::blocked;
        },
    .flops = conv_flops,
    .traits = {.inplace_of =
                   [](const Node& node, int) {
                     return node.inputs.size() > 4 && node.inputs[4].defined() ? 4 : -1;
                   }},
    .cases =
        {{{"u8[2,3,6,5]@0:256", "i8[4,3,3,3]@-60:60", "f32[4]@0.001:0.01", "f32[4]@0:99"},
          {{"padding", std::string("same")}, {"pad_value", int64_t{7}}}},
         {{"u8[2,5,5,16]@0:256", "i8[24,16,3,3]@-60:60", "f32[24]@0.001:0.004", "f32[24]@0:99"},
          {{"channels_last", true},
           {"padding", std::string("same")},
           {"pad_value", int64_t{120}},
           {"low", 3.0},
           {"high", 200.0}}},
         {{"u8[2,5,4,16]@0:256", "i8[16,16,1,1]@-60:60", "f32[16]@0.001:0.01", "f32[16]@0:9",
           "u8[2,5,4,16]@0:256"},
          {{"channels_last", true}, {"residual_scale", 0.5}}},
         {{"u8[1,7,7,16]@0:256", "i8[16,1,3,3]@-120:120", "f32[16]@0.001:0.01", "f32[16]"},
          {{"channels_last", true},
           {"groups", int64_t{16}},
           {"strides", Ints{2}},
           {"dtype", DType::i8}}},
         {{"u8[2,6,7,40]@0:256", "i8[40,1,3,3]@-127:128", "f32[40]@0.001:0.01", "f32[40]@0:200"},
          {{"channels_last", true},
           {"groups", int64_t{40}},
           {"padding", std::string("same")},
           {"pad_value", int64_t{131}},
           {"high", 230.0}}},
         {{"u8[2,9,9,3]@0:256", "i8[8,3,7,7]@-60:60", "f32[8]@0.001:0.002", "f32[8]@0:99"},
          {{"channels_last", true}, {"strides", Ints{2}}, {"dtype", DType::f32}}},
         {{"i8[1,6,4]@-128:128", "i8[4,3,2]@-60:60", "f32[4]@0.001:0.01", "f32[4]"},
          {{"groups", int64_t{2}}}},
         {{"u8[0,3,5,5]", "i8[4,3,3,3]", "f32[4]", "f32[4]"}}},
};

}  // namespace andiron::ops
