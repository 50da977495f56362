#include "andiron/ops/elementwise.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::ops {

bool is_byte(DType dtype) { return dtype == DType::u8 || dtype == DType::i8; }

void store_quantized(const Tensor& dst, int64_t at, float v) {
  if (dst.dtype() == DType::f32) dst.data<float>()[at] = v;
  if (dst.dtype() == DType::u8) dst.data<uint8_t>()[at] = to_byte<uint8_t>(v);
  if (dst.dtype() == DType::i8) dst.data<int8_t>()[at] = to_byte<int8_t>(v);
}

namespace {

std::vector<AttributeSpec> scale_and_zero() {
  return {{"scale", {}, "the real number that one step stands for, positive", 0.1},
          {"zero_point", int64_t{0}, "the byte that stands for 0"}};
}

std::vector<AttributeSpec> with_dtype() {
  std::vector<AttributeSpec> attributes = scale_and_zero();
  attributes.push_back({"dtype", DType::u8, "of the result: uint8 or int8"});
  return attributes;
}

void check_scale(const InferContext& c, DType bytes) {
  const auto scale = c.attr<double>("scale");
  if (!(scale > 0) || !std::isfinite(scale) || !(static_cast<float>(scale) > 0))
    fail("[{}] scale must be positive and finite; got {}", c.op, scale);
  const auto zero = c.attr<int64_t>("zero_point");
  const int64_t low = bytes == DType::u8 ? 0 : -128;
  if (zero < low || zero > low + 255)
    fail("[{}] zero_point must be a {}; got {}", c.op, name_of(bytes), zero);
}

}  // namespace

extern const Op kQuantize = {
    .name = "quantize",
    .summary = "Real numbers as bytes.",
    .formula =
        "dst = round(x / scale) + zero_point, half to even, within the dtype's range; NaN becomes "
        "the lowest",
    .reference_source = "ONNX QuantizeLinear",
    .inputs = {{"x", "any shape, float32"}},
    .attributes = with_dtype(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const auto dtype = c.attr<DType>("dtype");
      if (c.in(0).dtype != DType::f32) fail("[quantize] takes float32; got {}", str(c.in(0)));
      if (!is_byte(dtype)) fail("[quantize] dtype must be uint8 or int8; got {}", name_of(dtype));
      check_scale(c, dtype);
      return {{dtype, c.shape(0)}};
    },
    .why_not_differentiable = "steps have no slope",
    .reference =
        [](const ReferenceContext& c) {
          const auto scale = static_cast<float>(c.attr<double>("scale"));
          const auto zero = static_cast<float>(c.attr<int64_t>("zero_point"));
          for (int64_t i = 0; i < c.dst[0].count(); ++i)
            store_quantized(c.dst[0], i, std::nearbyint(c.src[0].data<float>()[i] / scale) + zero);
        },
    .traits = {.elementwise = true},
    .cases = {{{"f32[2,37]"}, {{"scale", 0.0125}, {"zero_point", int64_t{100}}}, false},
              {{"f32[70]@-9:9"}, {{"scale", 0.05}, {"dtype", DType::i8}}, false},
              {{"f32[2,3]"}, {{"scale", 1.0}}, false},
              {{"f32[0]"}, {{"scale", 1.0}}, false}},
};

extern const Op kDequantize = {
    .name = "dequantize",
    .summary = "Bytes as the real numbers that they stand for.",
    .formula = "dst = scale * (x - zero_point)",
    .reference_source = "ONNX DequantizeLinear",
    .inputs = {{"x", "any shape, uint8 or int8"}},
    .attributes = scale_and_zero(),
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      if (!is_byte(c.in(0).dtype)) fail("[dequantize] takes uint8 or int8; got {}", str(c.in(0)));
      check_scale(c, c.in(0).dtype);
      return {{DType::f32, c.shape(0)}};
    },
    .why_not_differentiable = "bytes have no slope",
    .reference =
        [](const ReferenceContext& c) {
          const auto scale = static_cast<float>(c.attr<double>("scale"));
          const auto zero = static_cast<int32_t>(c.attr<int64_t>("zero_point"));
          for (int64_t i = 0; i < c.dst[0].count(); ++i)
            c.dst[0].data<float>()[i] = scale * static_cast<float>(byte_at(c.src[0], i) - zero);
        },
    .traits = {.elementwise = true},
    .cases = {{{"u8[2,37]@0:256"}, {{"scale", 0.0125}, {"zero_point", int64_t{100}}}},
              {{"i8[70]@-128:128"}, {{"scale", 0.05}, {"zero_point", int64_t{-3}}}},
              {{"u8[0]"}, {{"scale", 1.0}}}},
};

Value quantize(const Value& x, double scale, int64_t zero_point, DType dtype) {
  return make_value(kQuantize, {x},
                    {{"scale", scale}, {"zero_point", zero_point}, {"dtype", dtype}});
}

Value dequantize(const Value& x, double scale, int64_t zero_point) {
  return make_value(kDequantize, {x}, {{"scale", scale}, {"zero_point", zero_point}});
}

}  // namespace andiron::ops
