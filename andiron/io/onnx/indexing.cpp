#include <algorithm>
#include <numeric>

#include "andiron/io/onnx/call.hpp"

namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;

Values gather(const Call& c) {
  const Value& x = c.in(0);
  const int64_t axis = normalize_axis("onnx", c.i("axis", 0), x.rank());
  const Value at = wrapped_indices(c.in(1), x.shape()[static_cast<size_t>(axis)]);
  return {ops::gather(x, at, axis)};
}

Values gather_elements(const Call& c) {
  const Value& x = c.in(0);
  const int64_t axis = normalize_axis("onnx", c.i("axis", 0), x.rank());
  return {ops::gather_elements(x, wrapped_indices(c.in(1), x.shape()[static_cast<size_t>(axis)]),
                               axis)};
}

std::string reduction_of(const Call& c) {
  const std::string name = c.s("reduction", "none");
  if (name == "none" || name == "add") return name;
  if (name == "mul") return "multiply";
  if (name == "max") return "maximum";
  if (name == "min") return "minimum";
  c.refuse("reduction '" + name + "'");
}

Values scatter_elements(const Call& c) {
  const Value& x = c.in(0);
  const int64_t axis = normalize_axis("onnx", c.i("axis", 0), x.rank());
  return {ops::scatter_elements(x, wrapped_indices(c.in(1), x.shape()[static_cast<size_t>(axis)]),
                                c.in(2), axis, reduction_of(c))};
}

Dim product(const Shape& shape, size_t from, size_t to) {
  Dim n = 1;
  for (size_t i = from; i < to; ++i) n = n * shape[i];
  return n;
}

// The row-major position of each index tuple (the last axis of `indices`) within x's axes
// [from, from + depth): [..., depth] -> [...].
Value flat_positions(const Value& x, const Value& indices, size_t from, size_t depth) {
  Value flat;
  for (size_t i = 0; i < depth; ++i) {
    const Dim& n = x.shape()[from + i];
    if (!n.known()) unsupported("[onnx] indices into an axis without a known size");
    Value part =
        ops::gather(indices, constant(static_cast<double>(i), DType::i64), indices.rank() - 1);
    part = wrapped_indices(part, n);
    flat = i == 0 ? part : flat * constant(static_cast<double>(n.size()), part.dtype()) + part;
  }
  return flat;
}

// Index tuples of x's first axes, after `batch_dims` that both have.
Values gather_nd(const Call& c) {
  const Value &x = c.in(0), &indices = c.in(1);
  const auto b = static_cast<size_t>(std::max<int64_t>(0, c.i("batch_dims", 0)));
  if (indices.rank() < 1 || static_cast<int64_t>(b) >= std::min(x.rank(), indices.rank()))
    fail("[onnx] GatherND of {} by {} with batch_dims={}", x.shape().str(), indices.shape().str(),
         b);
  const Dim& last = indices.shape().back();
  if (!last.known() || last.size() < 1 || static_cast<int64_t>(b) + last.size() > x.rank())
    fail("[onnx] GatherND of {} by {}", x.shape().str(), indices.shape().str());
  const auto depth = static_cast<size_t>(last.size());
  const Value flat = flat_positions(x, indices, b, depth);  // [batch..., rest...]
  const Dim block = product(x.shape(), b + depth, x.shape().size());
  const Dim places = product(x.shape(), b, b + depth), batches = product(x.shape(), 0, b);
  Shape to(flat.shape());
  to.insert(to.end(), x.shape().begin() + static_cast<std::ptrdiff_t>(b + depth), x.shape().end());
  if (b == 0) {
    const Value rows = ops::reshape(x, {places, block});
    return {ops::reshape(ops::gather(rows, flat, 0), to)};
  }
  const Dim each = product(flat.shape(), b, flat.shape().size());
  Value at = ops::reshape(flat, {batches, each, 1});
  at = ops::broadcast_to(at, {batches, each, block});
  return {ops::reshape(ops::gather_elements(ops::reshape(x, {batches, places, block}), at, 1), to)};
}

Values scatter_nd(const Call& c) {
  const Value &x = c.in(0), &indices = c.in(1), &updates = c.in(2);
  if (indices.rank() < 1 || !indices.shape().back().known() ||
      indices.shape().back().size() > x.rank())
    fail("[onnx] ScatterND into {} by {}", x.shape().str(), indices.shape().str());
  const auto depth = static_cast<size_t>(indices.shape().back().size());
  if (depth == 0) return {ops::broadcast_to(updates, x.shape())};
  const Value flat = flat_positions(x, indices, 0, depth);
  const Dim block = product(x.shape(), depth, x.shape().size());
  const Dim places = product(x.shape(), 0, depth), n = flat.shape().count();
  const Value at = ops::broadcast_to(ops::reshape(flat, {n, 1}), {n, block});
  const Value result = ops::scatter_elements(ops::reshape(x, {places, block}), at,
                                             ops::reshape(updates, {n, block}), 0, reduction_of(c));
  return {ops::reshape(result, x.shape())};
}

// The depth must be known; values are [off, on].
Values one_hot(const Call& c) {
  const std::vector<double> depths = c.reals(1);
  if (depths.size() != 1 || !(depths[0] >= 0 && depths[0] < (1 << 24)))
    fail("[onnx] OneHot: the depth must be one number");
  const auto depth = static_cast<int64_t>(depths[0]);
  const Value indices = ops::cast(c.in(0), DType::i64);
  const int64_t axis = normalize_axis("onnx", c.i("axis", -1), indices.rank() + 1);
  Shape along(static_cast<size_t>(indices.rank() + 1), 1);
  along[static_cast<size_t>(axis)] = depth;
  const Value on = ops::equal(ops::expand_dims(wrapped_indices(indices, depth), axis),
                              ops::reshape(iota(depth), along));
  const Value values = c.in(2);
  const Value off_value = ops::gather(values, constant(0.0, DType::i64), 0);
  const Value on_value = ops::gather(values, constant(1.0, DType::i64), 0);
  return {ops::where(on, on_value, off_value)};
}

// How many are chosen must be known.
Values compress(const Call& c) {
  Value x = c.in(0);
  if (!c.has_attribute("axis")) x = ops::reshape(x, {x.shape().count()});
  const int64_t axis = normalize_axis("onnx", c.i("axis", 0), x.rank());
  const std::vector<int64_t> chosen = c.numbers(1);
  std::vector<int64_t> positions;
  for (size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i] != 0) positions.push_back(static_cast<int64_t>(i));
  return {take(x, positions, axis)};
}

// The shape of the result is the data's: constants only.
Values non_zero(const Call& c) {
  const Tensor x = c.constant(0).cast(DType::f64);
  const Sizes& sizes = x.sizes();
  std::vector<std::vector<int64_t>> found(sizes.size());
  for (int64_t i = 0; i < x.count(); ++i) {
    if (x.data<double>()[i] == 0) continue;
    int64_t rest = i;
    for (size_t a = sizes.size(); a-- > 0;) {
      found[a].push_back(rest % sizes[a]);
      rest /= sizes[a];
    }
  }
  std::vector<int64_t> all;
  for (const auto& axis : found) all.insert(all.end(), axis.begin(), axis.end());
  const int64_t rank = x.rank();
  return {
      constant(Tensor::from(all, {rank, rank == 0 ? 0 : static_cast<int64_t>(all.size()) / rank}))};
}

// The first lengths[b] steps of each sequence backwards.
Values reverse_sequence(const Call& c) {
  const Value& x = c.in(0);
  const int64_t time = c.i("time_axis", 0), batch = c.i("batch_axis", 1);
  if (x.rank() < 2 || time + batch != 1 || time * batch != 0)
    fail("[onnx] ReverseSequence: time and batch are axes 0 and 1");
  const Dim& steps = x.shape()[static_cast<size_t>(time)];
  if (!steps.known()) c.refuse("a time axis without a known size");
  Shape by_time(static_cast<size_t>(x.rank()), 1), by_batch(by_time);
  by_time[static_cast<size_t>(time)] = steps;
  by_batch[static_cast<size_t>(batch)] = x.shape()[static_cast<size_t>(batch)];
  const Value t = ops::reshape(iota(steps.size()), by_time);
  const Value n = ops::reshape(ops::cast(c.in(1), DType::i64), by_batch);
  const Value at = ops::where(ops::less(t, n), n - constant(1.0, DType::i64) - t, t);
  return {ops::gather_elements(x, ops::broadcast_to(at, x.shape()), time)};
}

// Blocks of columns, each tap added where it came from: the gradient of taking blocks apart.
Values col2im(const Call& c) {
  const Value& x = c.in(0);  // [N, C * taps, places]
  const std::vector<int64_t> image = c.numbers(1), block = c.numbers(2);
  const size_t d = image.size();
  const auto or_all = [&](const char* name, size_t n, int64_t otherwise) {
    std::vector<int64_t> v = c.ints(name);
    if (v.empty()) v.assign(n, otherwise);
    if (v.size() != n) fail("[onnx] Col2Im: {} has {} entries", name, v.size());
    return v;
  };
  const auto dilations = or_all("dilations", d, 1), strides = or_all("strides", d, 1);
  const auto pads = or_all("pads", 2 * d, 0);
  int64_t taps = 1, places = 1, n_image = 1;
  std::vector<int64_t> grid;
  if (d < 1 || d > 8 || block.size() != d || x.rank() != 3)
    fail("[onnx] Col2Im of {} to {}", x.shape().str(), str(image));
  for (size_t i = 0; i < d; ++i) {
    if (image[i] < 1 || block[i] < 1 || strides[i] < 1 || dilations[i] < 1 ||
        image[i] > (1 << 20) || block[i] > (1 << 20) || dilations[i] > (1 << 20))
      fail("[onnx] Col2Im: sizes must be positive");
    const int64_t extent = (block[i] - 1) * dilations[i] + 1;
    grid.push_back((image[i] + pads[i] + pads[d + i] - extent) / strides[i] + 1);
    if (grid.back() < 1 || __builtin_mul_overflow(taps, block[i], &taps) ||
        __builtin_mul_overflow(places, grid.back(), &places) ||
        __builtin_mul_overflow(n_image, image[i], &n_image))
      fail("[onnx] Col2Im: blocks {} in {}", str(block), str(image));
  }
  if (x.shape()[2] != Dim(places) || taps > (1 << 24) / std::max<int64_t>(1, places))
    fail("[onnx] Col2Im: {} has other places than {}", x.shape().str(), places);
  std::vector<int64_t> from, to;
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t place = 0; place < places; ++place) {
      int64_t t = tap, p = place, flat = 0, stride = 1;
      bool inside = true;
      for (size_t i = d; i-- > 0;) {
        const int64_t at = (p % grid[i]) * strides[i] - pads[i] + (t % block[i]) * dilations[i];
        inside = inside && at >= 0 && at < image[i];
        flat += at * stride;
        stride *= image[i];
        t /= block[i];
        p /= grid[i];
      }
      if (!inside) continue;
      from.push_back(tap * places + place);
      to.push_back(flat);
    }
  const Dim channels = x.shape()[1] / Dim(taps), rows = x.shape()[0] * channels;
  const auto n = static_cast<int64_t>(to.size());
  const Value picked = take(ops::reshape(x, {rows, taps * places}), from, 1);
  const Value at = ops::broadcast_to(ops::reshape(constant_of(to), {1, n}), {rows, n});
  const Value zeros = ops::broadcast_to(constant(0.0, x.dtype()), {rows, n_image});
  Shape shape{x.shape()[0], channels};
  for (int64_t size : image) shape.push_back(size);
  return {ops::reshape(ops::scatter_elements(zeros, at, picked, 1, "add"), shape)};
}

// A cache's steps from write_indices[b] on are the update's.
Values tensor_scatter(const Call& c) {
  const Value &cache = c.in(0), &update = c.in(1);
  const int64_t axis = normalize_axis("onnx", c.i("axis", -2), cache.rank());
  const Dim& steps = update.shape()[static_cast<size_t>(axis)];
  const Dim& size = cache.shape()[static_cast<size_t>(axis)];
  if (!steps.known() || !size.known() || axis == 0) c.refuse("an axis without a known size");
  Shape along(static_cast<size_t>(cache.rank()), 1), by_batch(along);
  along[static_cast<size_t>(axis)] = steps;
  by_batch[0] = cache.shape()[0];
  Value at = ops::reshape(iota(steps.size()), along);
  if (c.has(2)) at = at + ops::reshape(ops::cast(c.in(2), DType::i64), by_batch);
  if (c.s("mode", "linear") == "circular")
    at = ops::remainder(at, constant(static_cast<double>(size.size()), DType::i64));
  return {ops::scatter_elements(cache, ops::broadcast_to(at, update.shape()), update, axis)};
}

constexpr Mapping kMappings[] = {
    {"Col2Im", 18, col2im},
    {"TensorScatter", 24, tensor_scatter},
    {"Gather", 1, gather},
    {"GatherElements", 11, gather_elements},
    {"GatherND", 11, gather_nd},
    {"Scatter", 9, scatter_elements},
    {"ScatterElements", 11, scatter_elements},
    {"ScatterND", 11, scatter_nd},
    {"OneHot", 9, one_hot},
    {"Compress", 9, compress},
    {"NonZero", 9, non_zero},
    {"ReverseSequence", 10, reverse_sequence},
};

}  // namespace

std::span<const Mapping> indexing_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
