#include <algorithm>
#include <numeric>

#include "andiron/io/onnx/call.hpp"

namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;

// A scale or zero point, scalar, per axis or per block, in x's shape.
Value spread(const Call& c, const Value& x, const Value& v) {
  if (v.rank() == 0 || v.shape().count() == Dim(1)) return ops::reshape(v, Shape());
  const int64_t axis = normalize_axis("onnx", c.i("axis", 1), x.rank());
  if (v.rank() == 1) {
    Shape shape(static_cast<size_t>(x.rank()), 1);
    shape[static_cast<size_t>(axis)] = v.shape()[0];
    return ops::reshape(v, shape);
  }
  const int64_t block = c.i("block_size", 0);
  if (block < 1 || v.rank() != x.rank())
    fail("[onnx] {}: scale {} for {}", c.node().op_type, v.shape().str(), x.shape().str());
  const auto a = static_cast<size_t>(axis);
  if (!x.shape()[a].known() || !v.shape()[a].known())
    c.refuse("blocks of an axis without a known size");
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < listed(x.shape()[a].size()); ++i)
    positions.push_back(std::min(i / block, v.shape()[a].size() - 1));
  return take(v, positions, axis);
}

Value quantized(const Value& x, const Value& scale, const Value& zero, DType dtype) {
  const Value whole = ops::round(x / scale);
  const Value shifted = zero.defined() ? whole + ops::cast(zero, x.dtype()) : whole;
  return ops::cast(shifted, dtype);  // which saturates
}

Value dequantized(const Value& x, const Value& scale, const Value& zero) {
  // Integers first: int32 less its zero point may not fit a float.
  Value v = ops::cast(x, DType::i32);
  if (zero.defined()) v = v - ops::cast(zero, DType::i32);
  return ops::cast(v, scale.dtype()) * scale;
}

DType output_dtype(const Call& c) {
  if (const int64_t wanted = c.i("output_dtype", 0); wanted != 0) {
    const auto dtype = dtype_of_onnx(static_cast<int32_t>(wanted));
    if (!dtype) c.refuse("Andiron has no dtype " + data_type_name(static_cast<int32_t>(wanted)));
    return *dtype;
  }
  return c.has(2) ? c.in(2).dtype() : DType::u8;
}

Values quantize_linear(const Call& c) {
  const Value& x = c.in(0);
  const Value real = is_floating(x.dtype()) ? x : ops::cast(x, DType::f32);
  const Value scale = ops::cast(spread(c, x, c.in(1)), real.dtype());
  return {quantized(real, scale, c.has(2) ? spread(c, x, c.in(2)) : Value(), output_dtype(c))};
}

Values dequantize_linear(const Call& c) {
  const Value& x = c.in(0);
  return {dequantized(x, spread(c, x, c.in(1)), c.has(2) ? spread(c, x, c.in(2)) : Value())};
}

Values dynamic_quantize_linear(const Call& c) {
  const Value& x = c.in(0);
  const Value zero = constant(0.0, x.dtype());
  const Value high = ops::maximum(ops::max(x), zero), low = ops::minimum(ops::min(x), zero);
  const Value scale = (high - low) / 255.0;
  const Value point =
      ops::cast(ops::round(ops::clip(ops::subtract(zero, low / scale), 0.0, 255.0)), DType::u8);
  return {quantized(x, scale, point, DType::u8), scale, point};
}

Value less_zero_point(const Value& x, const Value& zero) {
  const Value wide = ops::cast(x, DType::f64);
  return zero.defined() ? wide - ops::cast(zero, DType::f64) : wide;
}

// Of a matrix: rows of a, columns of b.
Value matrix_zero_point(const Call& c, size_t i, bool rows) {
  if (!c.has(i)) return {};
  const Value& zero = c.in(i);
  if (zero.rank() == 1 && rows && zero.shape()[0] != Dim(1)) return ops::expand_dims(zero, 1);
  return zero;
}

Values mat_mul_integer(const Call& c) {
  const Value y = ops::matmul(less_zero_point(c.in(0), matrix_zero_point(c, 2, true)),
                              less_zero_point(c.in(1), matrix_zero_point(c, 3, false)));
  return {ops::cast(y, DType::i32)};
}

// a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero
Values q_linear_mat_mul(const Call& c) {
  const auto real = [](const Value& v) { return ops::cast(v, DType::f64); };
  const Value a = less_zero_point(c.in(0), matrix_zero_point(c, 2, true));
  const Value b = less_zero_point(c.in(3), matrix_zero_point(c, 5, false));
  Value a_scale = real(c.in(1));
  if (a_scale.rank() == 1 && a_scale.shape()[0] != Dim(1)) a_scale = ops::expand_dims(a_scale, 1);
  const Value y = ops::matmul(a, b) * (a_scale * real(c.in(4)) / real(c.in(6)));
  return {ops::cast(ops::round(y) + real(c.in(7)), c.in(7).dtype())};
}

constexpr Mapping kMappings[] = {
    {"QuantizeLinear", 10, quantize_linear},
    {"DequantizeLinear", 10, dequantize_linear},
    {"DynamicQuantizeLinear", 11, dynamic_quantize_linear},
    {"MatMulInteger", 10, mat_mul_integer},
    {"QLinearMatMul", 10, q_linear_mat_mul},
};

}  // namespace

std::span<const Mapping> quantization_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
