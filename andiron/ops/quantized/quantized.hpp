#pragma once

#include <cmath>
#include <limits>

#include "andiron/ops/conv/conv.hpp"

/// Ops on bytes that stand for real numbers, real = scale * (byte - zero_point): what
/// passes/quantize makes of a frozen network (see docs/quantization.md).
namespace andiron::ops {

/// v rounded to the nearest integer (half to even) within the range of T; NaN becomes the lowest.
template <class T>
T to_byte(float v) {
  constexpr auto low = static_cast<float>(std::numeric_limits<T>::min());
  constexpr auto high = static_cast<float>(std::numeric_limits<T>::max());
  const float bounded = v > low ? (v < high ? v : high) : low;
  return static_cast<T>(std::nearbyint(bounded));
}

/// The same as the dtype says; float32 stays as it is. `at` counts elements.
void store_quantized(const Tensor& dst, int64_t at, float v);
/// Element `at` of a tensor of u8 or i8.
inline int32_t byte_at(const Tensor& t, int64_t at) {
  return t.dtype() == DType::u8 ? t.data<uint8_t>()[at] : t.data<int8_t>()[at];
}
bool is_byte(DType dtype);

Value quantize(const Value& x, double scale, int64_t zero_point, DType dtype = DType::u8);
Value dequantize(const Value& x, double scale, int64_t zero_point);

/// Whether no two products that CPUs without VNNI add in 16 bits can overflow there: of the weights
/// [O, C, ...] of two neighbouring inputs (0 and 1, 2 and 3, ...), those of one sign add up to 128
/// at most. The inputs are axis `axis`.
bool pairs_fit_16_bits(const Tensor& weights, int64_t axis);

/// What is done with a sum of products before it is stored: see quantized_conv.
std::vector<AttributeSpec> requantize_attributes(DType dtype);
/// Throws Error unless scale and shift are f32[n].
void check_scale_and_shift(const InferContext& c, const Dim& n);
/// The bounds of an attribute list in float.
float bounded(const Attributes& attributes, float v);

}  // namespace andiron::ops
