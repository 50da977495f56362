#include <algorithm>
#include <numeric>

#include "andiron/io/onnx/call.hpp"
#include "andiron/ops/normalize.hpp"

namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;

std::vector<int64_t> axes_from(int64_t first, int64_t rank) {
  std::vector<int64_t> axes(static_cast<size_t>(std::max<int64_t>(0, rank - first)));
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

// [C] -> [1, C, 1, ...]
Value by_channel(const Value& v, int64_t rank) {
  Shape shape(static_cast<size_t>(rank), 1);
  shape[1] = v.shape()[0];
  return ops::reshape(v, shape);
}

struct Normalized {
  Value y, mean, inverse_deviation;
};

// Over the last axes.
Normalized normalized(const Value& x, const std::vector<int64_t>& axes, double epsilon) {
  Dim rows = 1, cols = 1;
  Shape kept = x.shape();
  for (int64_t i = 0; i < x.rank(); ++i) {
    Dim& d = kept[static_cast<size_t>(i)];
    const bool inside = !axes.empty() && i >= axes[0];
    (inside ? cols : rows) = (inside ? cols : rows) * d;
    if (inside) d = 1;
  }
  if (cols.known()) {
    const auto n = ops::group_norm(ops::reshape(x, {rows, cols}), {}, {}, {.epsilon = epsilon});
    return {ops::reshape(n[0], x.shape()), ops::reshape(n[1], kept), ops::reshape(n[2], kept)};
  }
  const Value mean = ops::mean(x, axes, true);
  const Value d = x - mean;
  const Value inverse = ops::rsqrt(ops::mean(ops::square(d), axes, true) + epsilon);
  return {d * inverse, mean, inverse};
}

// The standard computes in float32 (stash_type 1) whatever x is.
Value stash(const Call& c, const Value& x) {
  return c.i("stash_type", 1) == 1 && x.dtype() == DType::bf16 ? ops::cast(x, DType::f32) : x;
}

Values layer_normalization(const Call& c) {
  const Value x = stash(c, c.in(0));
  const int64_t axis = normalize_axis("onnx", c.i("axis", -1), x.rank());
  const Normalized n = normalized(x, axes_from(axis, x.rank()), c.f("epsilon", 1e-5));
  Value y = ops::cast(n.y, c.in(0).dtype()) * c.in(1);
  if (c.has(2)) y = y + c.in(2);
  return {y, n.mean, n.inverse_deviation};
}

Values rms_normalization(const Call& c) {
  const Value x = stash(c, c.in(0));
  const int64_t axis = normalize_axis("onnx", c.i("axis", -1), x.rank());
  const Value scale =
      ops::rsqrt(ops::mean(ops::square(x), axes_from(axis, x.rank()), true) + c.f("epsilon", 1e-5));
  return {ops::cast(x * scale, c.in(0).dtype()) * c.in(1)};
}

Values instance_normalization(const Call& c) {
  const Value& x = c.in(0);
  if (x.rank() < 2) fail("[onnx] InstanceNormalization of {}", x.shape().str());
  const Normalized n = normalized(x, axes_from(2, x.rank()), c.f("epsilon", 1e-5));
  return {n.y * by_channel(c.in(1), x.rank()) + by_channel(c.in(2), x.rank())};
}

// Opset 18: scale and bias per group; 21: per channel.
Values group_normalization(const Call& c) {
  const Value x = stash(c, c.in(0));
  const int64_t groups = c.i("num_groups", 1);
  if (x.rank() < 2 || groups < 1) fail("[onnx] GroupNormalization of {}", x.shape().str());
  Shape apart = x.shape();
  apart[1] = apart[1] / Dim(groups);
  apart.insert(apart.begin() + 1, Dim(groups));
  const Normalized n =
      normalized(ops::reshape(x, apart), axes_from(2, apart.rank()), c.f("epsilon", 1e-5));
  const Value y = ops::cast(n.y, c.in(0).dtype());
  if (c.opset() < 21)
    return {ops::reshape(y * by_channel(c.in(1), apart.rank()) + by_channel(c.in(2), apart.rank()),
                         x.shape())};
  return {ops::reshape(y, x.shape()) * by_channel(c.in(1), x.rank()) +
          by_channel(c.in(2), x.rank())};
}

// What is learnt of the batch is left to the training of the original; here statistics stand.
Values batch_normalization(const Call& c) {
  const Value& x = c.in(0);
  if (x.rank() < 2) fail("[onnx] BatchNormalization of {}", x.shape().str());
  const double epsilon = c.f("epsilon", 1e-5), momentum = c.f("momentum", 0.9);
  const auto affine = [&](const Value& mean, const Value& variance) {
    const Value scale = c.in(1) * ops::rsqrt(variance + epsilon);
    return (x - by_channel(mean, x.rank())) * by_channel(scale, x.rank()) +
           by_channel(c.in(2), x.rank());
  };
  if (c.i("training_mode", 0) == 0)
    return {ops::batch_norm_inference(x, c.in(1), c.in(2), c.in(3), c.in(4), epsilon)};
  std::vector<int64_t> axes = axes_from(2, x.rank());
  axes.insert(axes.begin(), 0);
  const Value mean = ops::mean(x, axes);
  const Value variance = ops::mean(ops::square(x - by_channel(mean, x.rank())), axes);
  return {affine(mean, variance), c.in(3) * momentum + mean * (1.0 - momentum),
          c.in(4) * momentum + variance * (1.0 - momentum)};
}

// Until opset 13: spatial is the only form there is; is_test came with opset 6.
Values batch_normalization_inference(const Call& c) {
  if (c.opset() < 9 && c.i("spatial", 1) == 0) c.refuse("spatial=0");
  const Value& x = c.in(0);
  if (x.rank() < 2) fail("[onnx] BatchNormalization of {}", x.shape().str());
  return {ops::batch_norm_inference(x, c.in(1), c.in(2), c.in(3), c.in(4), c.f("epsilon", 1e-5))};
}

Values mean_variance_normalization(const Call& c) {
  const Value& x = c.in(0);
  const std::vector<int64_t> axes = c.ints("axes", {0, 2, 3});
  const Value mean = ops::mean(x, axes, true);
  const Value deviation = ops::sqrt(ops::mean(ops::square(x), axes, true) - ops::square(mean));
  return {(x - mean) / (deviation + 1e-9)};
}

Values lp_normalization(const Call& c) {
  const Value& x = c.in(0);
  const int64_t axis = normalize_axis("onnx", c.i("axis", -1), x.rank());
  const int64_t p = c.i("p", 2);
  if (p != 1 && p != 2) fail("[onnx] LpNormalization: p is 1 or 2; got {}", p);
  const Value norm = p == 1 ? ops::sum(ops::absolute(x), {axis}, true)
                            : ops::sqrt(ops::sum(ops::square(x), {axis}, true));
  const Value zero = ops::equal(norm, constant(0.0, x.dtype()));
  return {ops::where(zero, constant(0.0, x.dtype()), x / norm)};
}

// x / (bias + alpha / size * sum of squares of `size` channels around)^beta
Values lrn(const Call& c) {
  const Value& x = c.in(0);
  const int64_t size = c.i("size", 1);
  if (x.rank() < 2 || size < 1 || size > 65536) fail("[onnx] LRN of {}", x.shape().str());
  // Of an even window PyTorch has the longer half before the channel, the standard behind it.
  if (size % 2 == 1)
    return {ops::lrn(x, size, c.f("alpha", 1e-4), c.f("beta", 0.75), c.f("bias", 1.0))};
  const Dim& channels = x.shape()[1];
  if (!channels.known()) c.refuse("channels without a known number");
  Sizes low(static_cast<size_t>(x.rank()), 0), high(low);
  low[1] = (size - 1) / 2;
  high[1] = size / 2;
  const Value squares = ops::pad(ops::square(x), low, high);
  Value sum;
  for (int64_t i = 0; i < size; ++i) {
    Sizes begin(low.size(), 0), part(low.size(), -1);
    begin[1] = i;
    part[1] = channels.size();
    const Value s = ops::slice(squares, begin, part);
    sum = i == 0 ? s : sum + s;
  }
  const Value base = sum * (c.f("alpha", 1e-4) / static_cast<double>(size)) + c.f("bias", 1.0);
  return {x / ops::power(base, constant(c.f("beta", 0.75), x.dtype()))};
}

constexpr Mapping kMappings[] = {
    {"LayerNormalization", 17, layer_normalization},
    {"RMSNormalization", 23, rms_normalization},
    {"InstanceNormalization", 6, instance_normalization},
    {"GroupNormalization", 18, group_normalization},
    {"BatchNormalization", 6, batch_normalization_inference},
    {"BatchNormalization", 14, batch_normalization},
    {"MeanVarianceNormalization", 9, mean_variance_normalization},
    {"LpNormalization", 1, lp_normalization},
    {"LRN", 1, lrn},
};

}  // namespace

std::span<const Mapping> normalization_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
