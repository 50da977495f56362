#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "andiron/io/onnx/call.hpp"

namespace andiron::io::onnx {

namespace {

using Values = std::vector<Value>;

int64_t clamped(int64_t i, int64_t n) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); }

// int64 [rank]; sizes that are not known yet are read when they are.
Values shape(const Call& c) {
  const Value& x = c.in(0);
  const int64_t n = x.rank();
  const int64_t begin = clamped(c.i("start", 0), n), end = clamped(c.i("end", n), n);
  std::vector<int64_t> known;
  Values parts;
  for (int64_t i = begin; i < end; ++i) {
    const Dim& d = x.shape()[static_cast<size_t>(i)];
    if (d.known()) known.push_back(d.size());
    parts.push_back(ops::reshape(size_of_axis(x, static_cast<size_t>(i)), {1}));
  }
  if (known.size() == parts.size()) return {constant_of(known)};
  return {ops::concat(parts, 0)};
}

Values size(const Call& c) {
  const Value& x = c.in(0);
  const Dim n = x.shape().count();
  if (n.known()) return {constant(static_cast<double>(n.size()), DType::i64)};
  return {ops::count_of(x, {}, DType::i64)};
}

Values reshape(const Call& c) {
  const Value& x = c.in(0);
  Shape to = c.sizes(1);
  if (c.i("allowzero", 0) == 0)
    for (size_t i = 0; i < to.size(); ++i)
      if (to[i] == Dim(0)) {
        if (static_cast<int64_t>(i) >= x.rank())
          fail("[onnx] Reshape copies axis {} of {}, which has none", i, x.shape().str());
        to[i] = x.shape()[i];
      }
  // -1 of an empty value: the standard wants what makes the counts agree.
  const bool hole = std::find(to.begin(), to.end(), Dim(-1)) != to.end();
  if (hole && x.shape().count() == Dim(0)) {
    Dim others = 1;
    for (const Dim& d : to)
      if (d != Dim(-1)) others = others * d;
    for (Dim& d : to)
      if (d == Dim(-1)) d = 0;
  }
  return {ops::reshape(x, to)};
}

Values flatten(const Call& c) {
  const Value& x = c.in(0);
  const int64_t given = c.i("axis", 1);
  const int64_t axis = given == x.rank() ? given : normalize_axis("onnx", given, x.rank());
  Shape to{1, 1};
  for (int64_t i = 0; i < x.rank(); ++i) {
    Dim& side = to[i < axis ? 0 : 1];
    side = side * x.shape()[static_cast<size_t>(i)];
  }
  return {ops::reshape(x, to)};
}

Values transpose(const Call& c) {
  if (c.in(0).rank() == 0) return {c.in(0)};
  return {ops::transpose(c.in(0), c.ints("perm"))};
}

Values squeezed(const Value& x, const std::vector<int64_t>* axes) {
  std::vector<int64_t> gone;
  if (axes != nullptr) gone = axes->empty() ? *axes : normalize_axes("onnx", *axes, x.rank());
  Shape to;
  for (int64_t i = 0; i < x.rank(); ++i) {
    const Dim& d = x.shape()[static_cast<size_t>(i)];
    const bool named = std::find(gone.begin(), gone.end(), i) != gone.end();
    if (axes == nullptr ? d == Dim(1) : named) {
      if (d != Dim(1)) fail("[onnx] Squeeze: axis {} of {} is not 1", i, x.shape().str());
      continue;
    }
    to.push_back(d);
  }
  return {ops::reshape(x, to)};
}
Values squeeze_attribute(const Call& c) {
  const std::vector<int64_t> axes = c.ints("axes");
  return squeezed(c.in(0), c.has_attribute("axes") ? &axes : nullptr);
}
Values squeeze(const Call& c) {
  if (!c.has(1)) return squeezed(c.in(0), nullptr);
  const std::vector<int64_t> axes = c.numbers(1);
  return squeezed(c.in(0), &axes);
}

Values unsqueezed(const Value& x, std::vector<int64_t> axes) {
  const int64_t rank = x.rank() + static_cast<int64_t>(axes.size());
  if (rank > 64) fail("[onnx] Unsqueeze makes more than 64 axes");
  for (int64_t& axis : axes) axis = normalize_axis("onnx", axis, rank);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    fail("[onnx] Unsqueeze names an axis twice: {}", str(axes));
  Shape to = x.shape();
  for (int64_t axis : axes) to.insert(to.begin() + axis, Dim(1));
  return {ops::reshape(x, to)};
}
Values unsqueeze_attribute(const Call& c) { return unsqueezed(c.in(0), c.ints("axes")); }
Values unsqueeze(const Call& c) { return unsqueezed(c.in(0), c.numbers(1)); }

Values concat(const Call& c) {
  Values parts;
  for (size_t i = 0; i < c.n(); ++i) parts.push_back(c.in(i));
  return {ops::concat(parts, c.i("axis", 1))};
}

Values split_into(const Call& c, std::vector<int64_t> sizes) {
  const Value& x = c.in(0);
  const int64_t axis = normalize_axis("onnx", c.i("axis", 0), x.rank());
  if (sizes.empty()) {
    const Dim& whole = x.shape()[static_cast<size_t>(axis)];
    if (!whole.known()) c.refuse("it splits an axis without a known size");
    const auto parts =
        static_cast<int64_t>(c.has_attribute("num_outputs") ? c.i("num_outputs", 1)
                                                            : static_cast<int64_t>(c.n_outputs()));
    if (parts < 1 || parts > (1 << 20)) fail("[onnx] Split into {} parts", parts);
    const int64_t each = whole.size() / parts + (whole.size() % parts != 0 ? 1 : 0);
    int64_t rest = whole.size();
    for (int64_t i = 0; i < parts; ++i) {
      sizes.push_back(std::min(each, rest));
      rest -= sizes.back();
    }
  }
  if (sizes.size() == 1 && x.shape()[static_cast<size_t>(axis)] == Dim(sizes[0])) return {x};
  return ops::split(x, sizes, axis);
}
Values split_attribute(const Call& c) { return split_into(c, c.ints("split")); }
Values split(const Call& c) {
  return split_into(c, c.has(1) ? c.numbers(1) : std::vector<int64_t>{});
}

Values sliced(const Value& given, const std::vector<int64_t>& starts,
              const std::vector<int64_t>& ends, std::vector<int64_t> axes,
              std::vector<int64_t> steps) {
  Value x = given;
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    fail("[onnx] Slice: starts, ends, axes and steps must be equally many");
  Sizes begin(static_cast<size_t>(x.rank()), 0), size(static_cast<size_t>(x.rank()), -1);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(normalize_axis("onnx", axes[i], x.rank()));
    const Dim& d = x.shape()[axis];
    if (!d.known()) {
      if (starts[i] == 0 && ends[i] >= INT32_MAX && steps[i] == 1) continue;  // all of it
      unsupported("[onnx] Slice of an axis without a known size ({})", d.str());
    }
    const int64_t n = d.size();
    if (steps[i] == 1) {
      begin[axis] = clamped(starts[i], n);
      size[axis] = std::max<int64_t>(0, clamped(ends[i], n) - begin[axis]);
      continue;
    }
    if (steps[i] == 0) fail("[onnx] Slice: a step is 0");
    listed(n);
    std::vector<int64_t> positions;
    const auto at = [&](int64_t v) { return v < 0 ? v + n : v; };
    if (steps[i] > 0) {
      const int64_t stop = clamped(ends[i], n);
      for (int64_t p = clamped(starts[i], n); p < stop;) {
        positions.push_back(p);
        if (__builtin_add_overflow(p, steps[i], &p)) break;
      }
    } else {
      const int64_t stop = std::clamp<int64_t>(at(ends[i]), -1, n - 1);
      for (int64_t p = std::clamp<int64_t>(at(starts[i]), -1, n - 1); p > stop;) {
        positions.push_back(p);
        if (__builtin_add_overflow(p, steps[i], &p)) break;
      }
    }
    x = take(x, positions, static_cast<int64_t>(axis));
  }
  const bool whole = std::all_of(size.begin(), size.end(), [](int64_t s) { return s == -1; });
  return {whole ? x : ops::slice(x, begin, size)};
}
Values slice_attributes(const Call& c) {
  return sliced(c.in(0), c.ints("starts"), c.ints("ends"), c.ints("axes"), {});
}
Values slice(const Call& c) {
  return sliced(c.in(0), c.numbers(1), c.numbers(2), c.has(3) ? c.numbers(3) : Sizes{},
                c.has(4) ? c.numbers(4) : Sizes{});
}

Values expand(const Call& c) {
  const Value& x = c.in(0);
  const Shape to = broadcast("onnx.Expand", x.shape(), c.sizes(1));
  return {ops::broadcast_to(x, to)};
}

// Each axis gets one before it, which is broadcast, and both become one.
Values tile(const Call& c) {
  const Value& x = c.in(0);
  const Shape repeats = c.sizes(1);
  if (repeats.rank() != x.rank())
    fail("[onnx] Tile needs a repeat for each axis of {}; got {}", x.shape().str(), repeats.str());
  Shape apart, spread, together;
  for (size_t i = 0; i < repeats.size(); ++i) {
    const Dim& d = x.shape()[i];
    if (repeats[i].known() && repeats[i].size() < 0) fail("[onnx] Tile: a repeat is negative");
    apart.insert(apart.end(), {Dim(1), d});
    spread.insert(spread.end(), {repeats[i], d});
    together.push_back(repeats[i] * d);
  }
  return {ops::reshape(ops::broadcast_to(ops::reshape(x, apart), spread), together)};
}

Values constant_node(const Call& c) {
  if (c.has_attribute("value")) return {constant(c.tensor("value"))};
  if (c.has_attribute("value_float")) return {constant(c.f("value_float", 0), DType::f32)};
  if (c.has_attribute("value_int"))
    return {constant(Tensor::from(std::vector<int64_t>{c.i("value_int", 0)}, {}))};
  if (c.has_attribute("value_ints")) return {constant_of(c.ints("value_ints"))};
  if (c.has_attribute("value_floats")) {
    const std::vector<float> all = c.floats("value_floats");
    return {constant(Tensor::from(all, {static_cast<int64_t>(all.size())}))};
  }
  c.refuse("its value is a string or a sparse tensor");
}

Values constant_of_shape(const Call& c) {
  const Value one = c.has_attribute("value") ? constant(c.tensor("value").reshape({}))
                                             : constant(0.0, DType::f32);
  return {ops::broadcast_to(one, c.sizes(0))};
}

Values range(const Call& c) {
  const DType dtype = c.in(0).dtype();
  if (is_integer(dtype)) {
    const int64_t start = c.numbers(0).at(0), limit = c.numbers(1).at(0), step = c.numbers(2).at(0);
    if (step == 0) fail("[onnx] Range: the step is 0");
    std::vector<int64_t> all;
    for (int64_t v = start; step > 0 ? v < limit : v > limit;) {
      all.push_back(v);
      listed(static_cast<int64_t>(all.size()));
      if (__builtin_add_overflow(v, step, &v)) break;
    }
    return {constant(Tensor::from(all, {static_cast<int64_t>(all.size())}).cast(dtype))};
  }
  const double start = c.real(0), limit = c.real(1), step = c.real(2);
  const double n = std::ceil((limit - start) / step);
  if (!(n < (1 << 24))) fail("[onnx] Range has more than 2^24 numbers");
  std::vector<double> all;
  for (int64_t i = 0; static_cast<double>(i) < n; ++i)
    all.push_back(start + static_cast<double>(i) * step);
  return {constant(Tensor::from(all, {static_cast<int64_t>(all.size())}).cast(dtype))};
}

// Positions of rows and columns of a matrix, of one shape after broadcasting.
std::pair<Value, Value> rows_and_columns(const Value& x) {
  const Dim &n = x.shape()[x.shape().size() - 2], &m = x.shape().back();
  if (!n.known() || !m.known()) unsupported("[onnx] a matrix without known sizes");
  return {ops::reshape(iota(n.size()), {n, 1}), ops::reshape(iota(m.size()), {1, m})};
}

Values eye_like(const Call& c) {
  const Value& x = c.in(0);
  if (x.rank() != 2) fail("[onnx] EyeLike takes a matrix; got {}", x.shape().str());
  DType dtype = x.dtype();
  if (c.has_attribute("dtype")) {
    const auto wanted = dtype_of_onnx(static_cast<int32_t>(c.i("dtype", 1)));
    if (!wanted)
      c.refuse("Andiron has no dtype " + data_type_name(static_cast<int32_t>(c.i("dtype", 1))));
    dtype = *wanted;
  }
  const auto [row, column] = rows_and_columns(x);
  const Value k = constant(static_cast<double>(c.i("k", 0)), DType::i64);
  return {ops::cast(ops::equal(row + k, column), dtype)};
}

Values trilu(const Call& c) {
  const Value& x = c.in(0);
  if (x.rank() < 2) fail("[onnx] Trilu takes matrices; got {}", x.shape().str());
  const Value k = c.has(1) ? constant(c.real(1), DType::i64) : constant(0.0, DType::i64);
  const auto [row, column] = rows_and_columns(x);
  const Value kept =
      c.i("upper", 1) != 0 ? ops::greater_equal(column, row + k) : ops::less_equal(column, row + k);
  return {ops::where(kept, x, constant(0.0, x.dtype()))};
}

// Positions in x of each element of the padded axis; -1 is the border.
std::vector<int64_t> padded_positions(int64_t n, int64_t low, int64_t high,
                                      const std::string& mode) {
  std::vector<int64_t> out;
  listed(n);
  listed(low);
  listed(high);
  for (int64_t i = -low; i < n + high; ++i) {
    int64_t p = i;
    if (mode == "edge") p = std::clamp<int64_t>(i, 0, n - 1);
    if (mode == "wrap") p = ((i % n) + n) % n;
    if (mode == "reflect") {
      const int64_t period = std::max<int64_t>(1, 2 * (n - 1));
      p = ((i % period) + period) % period;
      p = p < n ? p : period - p;
    }
    out.push_back(p);
  }
  return out;
}

Values padded(const Call& c, const std::vector<int64_t>& pads, std::vector<int64_t> axes,
              double value) {
  Value x = c.in(0);
  const std::string mode = c.s("mode", "constant");
  if (axes.empty()) {
    axes.resize(static_cast<size_t>(x.rank()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (pads.size() != 2 * axes.size())
    fail("[onnx] Pad needs {} numbers for {} axes; got {}", 2 * axes.size(), axes.size(),
         pads.size());
  Sizes low(static_cast<size_t>(x.rank()), 0), high(low), begin(low), size(low.size(), -1);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(normalize_axis("onnx", axes[i], x.rank()));
    low[axis] = pads[i];
    high[axis] = pads[axes.size() + i];
  }
  // Negative pads cut first.
  for (size_t axis = 0; axis < low.size(); ++axis) {
    if (low[axis] >= 0 && high[axis] >= 0) continue;
    const Dim& d = x.shape()[axis];
    if (!d.known()) c.refuse("a negative pad of an axis without a known size");
    if (low[axis] < -d.size() || high[axis] < -d.size()) fail("[onnx] Pad cuts more than there is");
    begin[axis] = std::max<int64_t>(0, -low[axis]);
    size[axis] = d.size() - begin[axis] - std::max<int64_t>(0, -high[axis]);
    if (size[axis] < 0) fail("[onnx] Pad cuts more than there is");
  }
  if (begin != Sizes(begin.size(), 0) || size != Sizes(size.size(), -1))
    x = ops::slice(x, begin, size);
  for (int64_t& p : low) p = std::max<int64_t>(p, 0);
  for (int64_t& p : high) p = std::max<int64_t>(p, 0);
  if (mode == "constant") return {ops::pad(x, low, high, value)};
  if (mode != "edge" && mode != "reflect" && mode != "wrap") c.refuse("mode '" + mode + "'");
  for (size_t axis = 0; axis < low.size(); ++axis) {
    if (low[axis] == 0 && high[axis] == 0) continue;
    const Dim& d = x.shape()[axis];
    if (!d.known() || d.size() == 0)
      c.refuse("mode '" + mode + "' of an axis without a known size");
    x = take(x, padded_positions(d.size(), low[axis], high[axis], mode),
             static_cast<int64_t>(axis));
  }
  return {x};
}
Values pad_attributes(const Call& c) { return padded(c, c.ints("pads"), {}, c.f("value", 0)); }
Values pad(const Call& c) {
  const double value = c.has(2) && c.constant(2).count() > 0 ? c.real(2) : 0.0;
  return padded(c, c.numbers(1), c.has(3) ? c.numbers(3) : Sizes{}, value);
}

// [N, C, H, W] <-> [N, C / b^2, H b, W b]
Values depth_to_space(const Call& c) {
  const Value& x = c.in(0);
  const int64_t b = c.i("blocksize", 1);
  if (x.rank() < 3 || b < 1) fail("[onnx] DepthToSpace of {} by {}", x.shape().str(), b);
  const auto s = static_cast<size_t>(x.rank()) - 2;
  Dim per = x.shape()[1];
  for (size_t i = 0; i < s; ++i) per = per / Dim(b);
  const bool crd = c.s("mode", "DCR") == "CRD";
  Shape apart{x.shape()[0]}, together{x.shape()[0], per};
  if (crd) apart.push_back(per);
  apart.insert(apart.end(), s, Dim(b));
  if (!crd) apart.push_back(per);
  for (size_t i = 0; i < s; ++i) {
    apart.push_back(x.shape()[2 + i]);
    together.push_back(x.shape()[2 + i] * Dim(b));
  }
  std::vector<int64_t> order = {0, crd ? 1 : static_cast<int64_t>(1 + s)};
  for (size_t i = 0; i < s; ++i) {
    order.push_back(static_cast<int64_t>(2 + s + i));
    order.push_back(static_cast<int64_t>((crd ? 2 : 1) + i));
  }
  return {ops::reshape(ops::transpose(ops::reshape(x, apart), order), together)};
}

Values space_to_depth(const Call& c) {
  const Value& x = c.in(0);
  const int64_t b = c.i("blocksize", 1);
  if (x.rank() < 3 || b < 1) fail("[onnx] SpaceToDepth of {} by {}", x.shape().str(), b);
  const auto s = static_cast<size_t>(x.rank()) - 2;
  Shape apart{x.shape()[0], x.shape()[1]}, together{x.shape()[0], x.shape()[1]};
  for (size_t i = 0; i < s; ++i) {
    apart.push_back(x.shape()[2 + i] / Dim(b));
    apart.push_back(b);
    together[1] = together[1] * Dim(b);
    together.push_back(x.shape()[2 + i] / Dim(b));
  }
  std::vector<int64_t> order = {0};
  const bool crd = c.s("mode", "DCR") == "CRD";
  if (crd) order.push_back(1);
  for (size_t i = 0; i < s; ++i) order.push_back(static_cast<int64_t>(3 + 2 * i));
  if (!crd) order.push_back(1);
  for (size_t i = 0; i < s; ++i) order.push_back(static_cast<int64_t>(2 + 2 * i));
  return {ops::reshape(ops::transpose(ops::reshape(x, apart), order), together)};
}

Values center_crop_pad(const Call& c) {
  const Value& x = c.in(0);
  std::vector<int64_t> axes = c.ints("axes");
  if (axes.empty()) {
    axes.resize(static_cast<size_t>(x.rank()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  const std::vector<int64_t> to = c.numbers(1);
  if (to.size() != axes.size()) fail("[onnx] CenterCropPad needs a size for each axis");
  Sizes low(static_cast<size_t>(x.rank()), 0), high(low), begin(low), size(low.size(), -1);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(normalize_axis("onnx", axes[i], x.rank()));
    const Dim& d = x.shape()[axis];
    if (!d.known()) c.refuse("an axis without a known size");
    const int64_t more = to[i] - d.size();
    if (more >= 0) {
      low[axis] = more / 2;
      high[axis] = more - more / 2;
    } else {
      begin[axis] = -more / 2;
      size[axis] = to[i];
    }
  }
  return {ops::pad(ops::slice(x, begin, size), low, high, 0.0)};
}

constexpr Mapping kMappings[] = {
    {"Shape", 1, shape},
    {"Size", 1, size},
    {"Reshape", 5, reshape},
    {"Flatten", 1, flatten},
    {"Transpose", 1, transpose},
    {"Squeeze", 1, squeeze_attribute},
    {"Squeeze", 13, squeeze},
    {"Unsqueeze", 1, unsqueeze_attribute},
    {"Unsqueeze", 13, unsqueeze},
    {"Concat", 4, concat},
    {"Split", 2, split_attribute},
    {"Split", 13, split},
    {"Slice", 1, slice_attributes},
    {"Slice", 10, slice},
    {"Expand", 8, expand},
    {"Tile", 6, tile},
    {"Constant", 1, constant_node},
    {"ConstantOfShape", 9, constant_of_shape},
    {"Range", 11, range},
    {"EyeLike", 9, eye_like},
    {"Trilu", 14, trilu},
    {"Pad", 2, pad_attributes},
    {"Pad", 11, pad},
    {"DepthToSpace", 1, depth_to_space},
    {"SpaceToDepth", 1, space_to_depth},
    {"CenterCropPad", 18, center_crop_pad},
};

}  // namespace

std::span<const Mapping> shape_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
