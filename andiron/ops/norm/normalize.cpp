#include "andiron/ops/normalize.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

extern const Op kGroupNorm;

namespace {

// Brings `axes` to the end, where x is a matrix [others, axes]: f of the matrix, brought back.
template <class F>
Value over_axes(const char* op, const Value& x, const std::vector<int64_t>& given, F f) {
  if (given.empty()) fail("[{}] needs an axis", op);
  const std::vector<int64_t> axes = normalize_axes(op, given, x.rank());
  std::vector<int64_t> order, back(static_cast<size_t>(x.rank()));
  for (int64_t i = 0; i < x.rank(); ++i)
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) order.push_back(i);
  Dim rows = 1, cols = 1;
  for (int64_t i : order) rows = rows * x.shape()[static_cast<size_t>(i)];
  for (int64_t i : axes) cols = cols * x.shape()[static_cast<size_t>(i)];
  order.insert(order.end(), axes.begin(), axes.end());
  for (size_t i = 0; i < order.size(); ++i)
    back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  const bool moved = !std::is_sorted(order.begin(), order.end());
  const Value ordered = moved ? transpose(x, order) : x;
  const Value y = reshape(f(reshape(ordered, {rows, cols})), ordered.shape());
  return moved ? transpose(y, back) : y;
}

Value as_vector(const Value& v) { return v.defined() ? reshape(v, {v.shape().count()}) : v; }

void check_sizes(const char* op, const char* name, const Value& v, const Value& x,
                 const std::vector<int64_t>& axes) {
  if (!v.defined()) return;
  Shape wanted;
  for (int64_t i : normalize_axes(op, axes, x.rank()))
    wanted.push_back(x.shape()[static_cast<size_t>(i)]);
  if (v.shape() != wanted)
    fail("[{}] {} must be {}, the sizes of the axes of {}; got {}", op, name, wanted.str(),
         x.shape().str(), v.shape().str());
}

}  // namespace

std::vector<Value> group_norm(const Value& x, const Value& scale, const Value& offset,
                              const GroupNormOptions& o) {
  std::vector<Value> inputs = {x, scale, offset};
  while (!inputs.back().defined() && inputs.size() > 1) inputs.pop_back();
  return make_node(
      kGroupNorm, std::move(inputs),
      {{"groups", o.groups}, {"axis", o.axis}, {"epsilon", o.epsilon}, {"center", o.center}});
}

Value layer_normalization(const Value& x, const Value& scale, const Value& offset,
                          std::vector<int64_t> axes, double epsilon) {
  check_sizes("layer_normalization", "scale", scale, x, axes);
  check_sizes("layer_normalization", "offset", offset, x, axes);
  return over_axes("layer_normalization", x, axes, [&](const Value& matrix) {
    return group_norm(matrix, as_vector(scale), as_vector(offset), {.epsilon = epsilon})[0];
  });
}

Value rms_normalization(const Value& x, const Value& scale, std::vector<int64_t> axes,
                        double epsilon) {
  check_sizes("rms_normalization", "scale", scale, x, axes);
  return over_axes("rms_normalization", x, axes, [&](const Value& matrix) {
    return group_norm(matrix, as_vector(scale), {}, {.epsilon = epsilon, .center = false})[0];
  });
}

Value group_normalization(const Value& x, int64_t groups, const Value& scale, const Value& offset,
                          double epsilon, int64_t axis) {
  return group_norm(x, scale, offset, {.groups = groups, .axis = axis, .epsilon = epsilon})[0];
}

Value instance_normalization(const Value& x, const Value& scale, const Value& offset,
                             double epsilon, int64_t axis) {
  const Dim& channels =
      x.shape()[static_cast<size_t>(normalize_axis("instance_normalization", axis, x.rank()))];
  if (!channels.known())
    fail("[instance_normalization] the number of channels must be known; got {}", x.shape().str());
  return group_normalization(x, std::max<int64_t>(1, channels.size()), scale, offset, epsilon,
                             axis);
}

Value norm(const Value& x, double order, std::vector<int64_t> axes, bool keepdims) {
  const Value a = absolute(x);
  if (order == 1.0) return sum(a, axes, keepdims);
  if (order == 2.0) return sqrt(sum(square(x), axes, keepdims));
  if (std::isinf(order)) return order > 0 ? max(a, axes, keepdims) : min(a, axes, keepdims);
  if (order == 0.0)
    return sum(cast(not_equal(x, constant(0.0, x.dtype())), x.dtype()), axes, keepdims);
  if (std::isnan(order)) fail("[norm] order must be a number; got {}", order);
  return power(sum(power(a, constant(order, x.dtype())), axes, keepdims),
               constant(1.0 / order, x.dtype()));
}

Value normalize(const Value& x, std::vector<int64_t> axes, double order, double epsilon) {
  // Under the root, so that a row of zeros has a gradient: it is 0 / epsilon.
  if (order == 2.0)
    return x * rsqrt(maximum(sum(square(x), axes, true), constant(epsilon * epsilon, x.dtype())));
  return x / maximum(norm(x, order, axes, true), constant(epsilon, x.dtype()));
}

}  // namespace andiron::ops
