#include <algorithm>
#include <numeric>

#include "andiron/base/error.hpp"
#include "andiron/ops/arrays.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

using Ints = std::vector<int64_t>;

int64_t known_size(const char* op, const Value& x, int64_t axis) {
  const Dim& d = x.shape()[static_cast<size_t>(axis)];
  if (!d.known()) fail("[{}] the size of axis {} must be known; got {}", op, axis, x.shape().str());
  return d.size();
}

Ints every_axis(int64_t rank) {
  Ints axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

// Where the last two axes of x lie in a triangle, as a bool [rows, columns].
template <class Keeps>
Value in_triangle(const char* op, const Value& x, Keeps keeps) {
  if (x.rank() < 2) fail("[{}] takes rank >= 2; got {}", op, x.shape().str());
  const int64_t rows = known_size(op, x, x.rank() - 2), cols = known_size(op, x, x.rank() - 1);
  Tensor mask(DType::boolean, {rows, cols});
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) mask.data<bool>()[i * cols + j] = keeps(j - i);
  return constant(mask);
}

}  // namespace

Value tile(const Value& x, Ints repeats) {
  for (int64_t n : repeats)
    if (n < 0) fail("[tile] repeats must not be negative; got {}", str(repeats));
  Shape shape = x.shape();
  while (shape.size() < repeats.size()) shape.insert(shape.begin(), 1);
  while (repeats.size() < shape.size()) repeats.insert(repeats.begin(), 1);
  // [1, a, 1, b] as [m, a, n, b]
  Shape apart, wide, whole;
  for (size_t i = 0; i < shape.size(); ++i) {
    apart.insert(apart.end(), {Dim(1), shape[i]});
    wide.insert(wide.end(), {Dim(repeats[i]), shape[i]});
    whole.push_back(shape[i] * Dim(repeats[i]));
  }
  return reshape(broadcast_to(reshape(x, apart), wide), whole);
}

Value repeat(const Value& x, int64_t repeats, int64_t axis) {
  axis = normalize_axis("repeat", axis, x.rank());
  if (repeats < 0) fail("[repeat] repeats must not be negative; got {}", repeats);
  Shape wide = x.shape(), whole = x.shape();
  wide.insert(wide.begin() + axis + 1, repeats);
  whole[static_cast<size_t>(axis)] = whole[static_cast<size_t>(axis)] * Dim(repeats);
  return reshape(broadcast_to(expand_dims(x, axis + 1), wide), whole);
}

Value roll(const Value& x, Ints shift, Ints axes) {
  if (shift.size() != axes.size())
    fail("[roll] shift and axes must be of one length; got {} and {}", str(shift), str(axes));
  Value y = x;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = normalize_axis("roll", axes[i], x.rank()), n = known_size("roll", x, axis);
    const int64_t moved = n == 0 ? 0 : (shift[i] % n + n) % n;
    if (moved == 0) continue;
    const std::vector<Value> parts = split(y, {n - moved, moved}, axis);
    y = concat({parts[1], parts[0]}, axis);
  }
  return y;
}

Value flip(const Value& x, Ints axes) {
  Value y = x;
  for (int64_t axis :
       axes.empty() ? every_axis(x.rank()) : normalize_axes("flip", axes, x.rank())) {
    const int64_t n = known_size("flip", x, axis);
    Tensor order(DType::i32, {n});
    for (int64_t i = 0; i < n; ++i) order.data<int32_t>()[i] = static_cast<int32_t>(n - 1 - i);
    if (n > 1) y = gather(y, constant(order), axis);
  }
  return y;
}

Value stack(const std::vector<Value>& values, int64_t axis) {
  if (values.empty()) fail("[stack] takes at least one value");
  std::vector<Value> parts;
  for (const Value& v : values) {
    if (v.shape() != values[0].shape())
      fail("[stack] values must have one shape; got {} and {}", values[0].shape().str(),
           v.shape().str());
    parts.push_back(expand_dims(v, axis));
  }
  return concat(parts, normalize_axis("stack", axis, values[0].rank() + 1));
}

std::vector<Value> unstack(const Value& x, int64_t axis) {
  axis = normalize_axis("unstack", axis, x.rank());
  const int64_t n = known_size("unstack", x, axis);
  if (n == 0) fail("[unstack] axis {} of {} is empty", axis, x.shape().str());
  std::vector<Value> parts = split(x, Ints(static_cast<size_t>(n), 1), axis);
  for (Value& part : parts) part = squeeze(part, axis);
  return parts;
}

Value swapaxes(const Value& x, int64_t a, int64_t b) {
  Ints order = every_axis(x.rank());
  std::swap(order[static_cast<size_t>(normalize_axis("swapaxes", a, x.rank()))],
            order[static_cast<size_t>(normalize_axis("swapaxes", b, x.rank()))]);
  return transpose(x, order);
}

Value moveaxis(const Value& x, Ints source, Ints destination) {
  const auto check = [&](Ints& axes) {
    for (int64_t& axis : axes) axis = normalize_axis("moveaxis", axis, x.rank());
    Ints sorted = axes;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      fail("[moveaxis] an axis is named twice: {}", str(axes));
  };
  check(source);
  check(destination);
  if (source.size() != destination.size())
    fail("[moveaxis] source and destination must be of one length; got {} and {}", str(source),
         str(destination));
  Ints order(static_cast<size_t>(x.rank()), -1);
  for (size_t i = 0; i < source.size(); ++i) order[static_cast<size_t>(destination[i])] = source[i];
  int64_t next = 0;
  for (int64_t& axis : order) {
    if (axis >= 0) continue;
    while (std::find(source.begin(), source.end(), next) != source.end()) ++next;
    axis = next++;
  }
  return transpose(x, order);
}

Value tril(const Value& x, int64_t diagonal) {
  const Value keep = in_triangle("tril", x, [=](int64_t d) { return d <= diagonal; });
  return where(keep, x, constant(0.0, x.dtype()));
}

Value triu(const Value& x, int64_t diagonal) {
  const Value keep = in_triangle("triu", x, [=](int64_t d) { return d >= diagonal; });
  return where(keep, x, constant(0.0, x.dtype()));
}

}  // namespace andiron::ops
