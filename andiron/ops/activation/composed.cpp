#include <limits>

#include "andiron/base/error.hpp"
#include "andiron/ops/activations.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

Value number(double value, const Value& like) { return constant(value, like.dtype()); }

void check_threshold(const char* op, double threshold) {
  if (!(threshold >= 0.0)) fail("[{}] threshold must not be negative; got {}", op, threshold);
}

// The size along an axis, which must be known.
int64_t size_along(const char* op, const Value& x, int64_t axis) {
  const Dim& d = x.shape()[static_cast<size_t>(axis)];
  if (!d.known()) fail("[{}] the size of axis {} must be known; got {}", op, axis, x.shape().str());
  return d.size();
}

// 1, 2, ... along the axis.
Value counted(const Value& x, int64_t axis, int64_t n) {
  Sizes sizes(static_cast<size_t>(x.rank()), 1);
  sizes[static_cast<size_t>(axis)] = n;
  Tensor t(DType::f64, sizes);
  for (int64_t i = 0; i < n; ++i) t.data<double>()[i] = static_cast<double>(i + 1);
  return constant(t.cast(x.dtype()));
}

}  // namespace

Value relu6(const Value& x) { return clip(x, 0.0, 6.0); }

Value selu(const Value& x) { return elu(x, 1.6732632423543772) * 1.0507009873554805; }

Value celu(const Value& x, double alpha) {
  if (!(alpha > 0.0)) fail("[celu] alpha must be positive; got {}", alpha);
  if (alpha == 1.0) return elu(x);
  return maximum(x, number(0.0, x)) + elu(minimum(x, number(0.0, x)) / alpha) * alpha;
}

Value silu(const Value& x) { return x * sigmoid(x); }
Value mish(const Value& x) { return x * tanh(softplus(x)); }
Value hard_sigmoid(const Value& x) { return clip(x * (1.0 / 6.0) + 0.5, 0.0, 1.0); }
Value hard_silu(const Value& x) { return x * hard_sigmoid(x); }
Value hard_tanh(const Value& x) { return clip(x, -1.0, 1.0); }
Value softsign(const Value& x) { return x / (absolute(x) + 1.0); }

Value squareplus(const Value& x, double b) {
  if (!(b >= 0.0)) fail("[squareplus] b must not be negative; got {}", b);
  return (x + sqrt(square(x) + b)) * 0.5;
}

Value log_sigmoid(const Value& x) { return -softplus(-x); }
Value tanh_shrink(const Value& x) { return x - tanh(x); }

Value soft_shrink(const Value& x, double threshold) {
  check_threshold("soft_shrink", threshold);
  return x - clip(x, -threshold, threshold);
}

Value hard_shrink(const Value& x, double threshold) {
  check_threshold("hard_shrink", threshold);
  // Asked the other way round, so that NaN stays.
  return where(less_equal(absolute(x), number(threshold, x)), number(0.0, x), x);
}

Value threshold(const Value& x, double threshold, double value) {
  return where(less_equal(x, number(threshold, x)), number(value, x), x);
}

Value sparse_plus(const Value& x) {
  const Value between = square(x + 1.0) * 0.25;
  return where(less_equal(x, number(-1.0, x)), number(0.0, x),
               where(less(x, number(1.0, x)), between, x));
}

Value sparse_sigmoid(const Value& x) { return clip(x * 0.5 + 0.5, 0.0, 1.0); }

Value sparsemax(const Value& x, int64_t axis) {
  axis = normalize_axis("sparsemax", axis, x.rank());
  const int64_t n = size_along("sparsemax", x, axis);
  const Value z = x - stop_gradient(max(x, {axis}, true)), zero = number(0.0, x);
  // Of the sorted elements the first k are the support: 1 + k z_k > z_1 + ... + z_k.
  const Value sorted = sort(stop_gradient(z), axis, true)[0];
  const Value first = greater(counted(x, axis, n) * sorted + 1.0, cumsum(sorted, axis));
  const auto threshold_of = [&](const Value& member, const Value& elements) {
    return (sum(where(member, elements, zero), {axis}, true) - 1.0) /
           sum(cast(member, x.dtype()), {axis}, true);
  };
  const Value support = greater(z, threshold_of(first, sorted));
  return relu(z - threshold_of(support, z));
}

Value glu(const Value& x, int64_t axis) {
  axis = normalize_axis("glu", axis, x.rank());
  const int64_t n = size_along("glu", x, axis);
  if (n % 2 != 0) fail("[glu] the size of axis {} must be even; got {}", axis, x.shape().str());
  const std::vector<Value> halves = split(x, {n / 2, n / 2}, axis);
  return halves[0] * sigmoid(halves[1]);
}

Value prelu(const Value& x, const Value& alpha) {
  return where(greater(x, number(0.0, x)), x, alpha * x);
}

Value maxout(const Value& x, int64_t units, int64_t axis) {
  axis = normalize_axis("maxout", axis, x.rank());
  const int64_t n = size_along("maxout", x, axis);
  if (units < 1 || n % units != 0)
    fail("[maxout] units={} does not divide axis {} of {}", units, axis, x.shape().str());
  Shape shape = x.shape();
  shape[static_cast<size_t>(axis)] = units;
  shape.insert(shape.begin() + axis + 1, n / units);
  return max(reshape(x, shape), {axis + 1});
}

}  // namespace andiron::ops
