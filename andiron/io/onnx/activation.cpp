#include <algorithm>
#include <numeric>

#include "andiron/io/onnx/functions.hpp"

namespace andiron::io::onnx {

namespace {

using ops::maximum;
using ops::minimum;
using ops::where;

Value zero(const Value& x) { return constant(0.0, x.dtype()); }

Value relu(const Value& x) { return is_floating(x.dtype()) ? ops::relu(x) : maximum(x, zero(x)); }

Values leaky_relu(const Call& c) { return {ops::leaky_relu(c.in(0), c.f("alpha", 0.01))}; }
Values elu(const Call& c) { return {ops::elu(c.in(0), c.f("alpha", 1.0))}; }
Values selu(const Call& c) {
  return {ops::elu(c.in(0), c.f("alpha", 1.67326319217681884765625)) *
          c.f("gamma", 1.05070102214813232421875)};
}
// max(0, x) + min(0, alpha (e^(x / alpha) - 1))
Values celu(const Call& c) {
  const double alpha = c.f("alpha", 1.0);
  return {ops::elu(c.in(0) / alpha, 1.0) * alpha};
}
// max(0, x) + min(0, ...) written so that large x does not overflow.
Values prelu(const Call& c) {
  const Value& x = c.in(0);
  return {where(ops::less(x, zero(x)), x * c.in(1), x)};
}
Values prelu_by_channel(const Call& c) {
  const Value& x = c.in(0);
  Value slope = c.in(1);
  if (slope.rank() == 1 && x.rank() > 1) {
    Shape shape(static_cast<size_t>(x.rank()) - 1, 1);
    shape[0] = slope.shape()[0];
    slope = ops::reshape(slope, shape);
  }
  return {where(ops::less(x, zero(x)), x * slope, x)};
}
Values thresholded_relu(const Call& c) {
  const Value& x = c.in(0);
  return {where(ops::greater(x, constant(c.f("alpha", 1.0), x.dtype())), x, zero(x))};
}
Values hard_sigmoid(const Call& c) {
  return {ops::clip(c.in(0) * c.f("alpha", 0.2) + c.f("beta", 0.5), 0.0, 1.0)};
}
Value hard_swish(const Value& x) { return x * ops::clip(x / 6.0 + 0.5, 0.0, 1.0); }
Value mish(const Value& x) { return x * ops::tanh(ops::softplus(x)); }
Value softsign(const Value& x) { return x / (ops::absolute(x) + 1.0); }
Values swish(const Call& c) {
  const Value& x = c.in(0);
  return {x * ops::sigmoid(x * c.f("alpha", 1.0))};
}
Values shrink(const Call& c) {
  const Value& x = c.in(0);
  const Value lambd = constant(c.f("lambd", 0.5), x.dtype());
  const Value bias = constant(c.f("bias", 0.0), x.dtype());
  const Value negative = ops::subtract(zero(x), lambd);
  return {
      where(ops::less(x, negative), x + bias, where(ops::greater(x, lambd), x - bias, zero(x)))};
}
Values gelu(const Call& c) { return {ops::gelu(c.in(0), c.s("approximate", "none") == "tanh")}; }
Values swiglu(const Call& c) {
  const Value& gate = c.in(0);
  return {gate * ops::sigmoid(gate * c.f("alpha", 1.0)) * c.in(1)};
}
// Until opset 12: over all axes from `axis` on, as one.
template <Value (*f)(const Value&, int64_t)>
Values over_flat(const Call& c) {
  const Value& x = c.in(0);
  const int64_t axis = x.rank() == 0 ? 0 : c.i("axis", 1);
  const int64_t from = axis == x.rank() ? axis : normalize_axis("onnx", axis, x.rank());
  Shape flat{1, 1};
  for (int64_t i = 0; i < x.rank(); ++i) {
    Dim& side = flat[i < from ? 0 : 1];
    side = side * x.shape()[static_cast<size_t>(i)];
  }
  return {ops::reshape(f(ops::reshape(x, flat), 1), x.shape())};
}
template <Value (*f)(const Value&, int64_t)>
Values over_axis(const Call& c) {
  if (c.in(0).rank() == 0) return over_flat<f>(c);
  return {f(c.in(0), normalize_axis("onnx", c.i("axis", -1), c.in(0).rank()))};
}
// 1 at the first greatest element.
Value hardmax(const Value& x, int64_t axis) {
  const Value best = ops::expand_dims(ops::argmax(x, axis), axis);
  const Dim& n = x.shape()[static_cast<size_t>(axis)];
  if (!n.known()) unsupported("[onnx] Hardmax over an axis without a known size");
  Shape shape(static_cast<size_t>(x.rank()), 1);
  shape[static_cast<size_t>(axis)] = n;
  const Value at = ops::reshape(iota(n.size(), DType::i32), shape);
  return ops::cast(ops::equal(at, best), x.dtype());
}

constexpr Mapping kMappings[] = {
    {"Relu", 6, unary<relu>},
    {"LeakyRelu", 6, leaky_relu},
    {"Elu", 6, elu},
    {"Selu", 6, selu},
    {"Celu", 12, celu},
    {"PRelu", 6, prelu_by_channel},
    {"PRelu", 9, prelu},
    {"ThresholdedRelu", 10, thresholded_relu},
    {"Sigmoid", 6, unary<ops::sigmoid>},
    {"HardSigmoid", 6, hard_sigmoid},
    {"HardSwish", 14, unary<hard_swish>},
    {"Tanh", 6, unary<ops::tanh>},
    {"Softplus", 1, unary<ops::softplus>},
    {"Softsign", 1, unary<softsign>},
    {"Mish", 18, unary<mish>},
    {"Swish", 24, swish},
    {"SwiGLU", 28, swiglu},
    {"Shrink", 9, shrink},
    {"Gelu", 20, gelu},
    {"Softmax", 1, over_flat<ops::softmax>},
    {"Softmax", 13, over_axis<ops::softmax>},
    {"LogSoftmax", 1, over_flat<ops::log_softmax>},
    {"LogSoftmax", 13, over_axis<ops::log_softmax>},
    {"Hardmax", 1, over_flat<hardmax>},
    {"Hardmax", 13, over_axis<hardmax>},
};

}  // namespace

std::span<const Mapping> activation_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
