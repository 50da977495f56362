#include <algorithm>
#include <cmath>
#include <numeric>

#include "andiron/io/onnx/call.hpp"

// Convolution, pooling, resizing.
namespace andiron::io::onnx {

std::vector<Value> resize(const Call& c);  // resize.cpp
std::vector<Value> upsample(const Call& c);
std::vector<Value> grid_sample(const Call& c);  // grid_sample.cpp

namespace {

using Values = std::vector<Value>;
using Ints = std::vector<int64_t>;

Ints or_all(Ints given, size_t n, int64_t otherwise) {
  return given.empty() ? Ints(n, otherwise) : given;
}

// strides, dilations, pads and auto_pad of the node, for `kernel`; pads are explicit but for valid.
struct Windows {
  Ints kernel, strides, dilations, begin, end;
};

Windows windows_of(const Call& c, const Shape& x, Ints kernel, bool transposed = false) {
  const size_t n = x.size() < 2 ? 0 : x.size() - 2;
  if (n < 1 || n > 3) c.refuse(fmt::format("{} spatial axes", n));
  if (kernel.size() != n)
    fail("[onnx] {}: a kernel of {} for {}", c.node().op_type, str(kernel), x.str());
  Windows w{std::move(kernel), or_all(c.ints("strides"), n, 1), or_all(c.ints("dilations"), n, 1),
            Ints(n, 0), Ints(n, 0)};
  if (w.strides.size() != n || w.dilations.size() != n)
    fail("[onnx] {}: strides {} and dilations {} for {} axes", c.node().op_type, str(w.strides),
         str(w.dilations), n);
  for (size_t i = 0; i < n; ++i)
    if (w.strides[i] < 1 || w.dilations[i] < 1 || w.kernel[i] < 1 || w.kernel[i] > (1 << 24) ||
        w.dilations[i] > (1 << 24) || w.strides[i] > (1 << 24))
      fail("[onnx] {}: kernel {}, strides {} and dilations {} must be positive", c.node().op_type,
           str(w.kernel), str(w.strides), str(w.dilations));
  const std::string pad = c.s("auto_pad", "NOTSET");
  if (pad == "VALID") return w;
  if (pad == "NOTSET" || pad.empty()) {
    const Ints pads = or_all(c.ints("pads"), 2 * n, 0);
    if (pads.size() != 2 * n)
      fail("[onnx] {}: {} pads for {} axes", c.node().op_type, pads.size(), n);
    std::copy_n(pads.begin(), n, w.begin.begin());
    std::copy_n(pads.begin() + static_cast<std::ptrdiff_t>(n), n, w.end.begin());
    return w;
  }
  if (pad != "SAME_UPPER" && pad != "SAME_LOWER")
    fail("[onnx] {}: auto_pad '{}'", c.node().op_type, pad);
  if (transposed) return w;  // the output's sizes decide there
  for (size_t i = 0; i < n; ++i) {
    if (!x[i + 2].known()) c.refuse("auto_pad of an axis without a known size");
    const int64_t in = x[i + 2].size(), out = (in + w.strides[i] - 1) / w.strides[i];
    const int64_t extent = (w.kernel[i] - 1) * w.dilations[i] + 1;
    const int64_t all = std::max<int64_t>(0, (out - 1) * w.strides[i] + extent - in);
    w.begin[i] = pad == "SAME_UPPER" ? all / 2 : all - all / 2;
    w.end[i] = all - w.begin[i];
  }
  return w;
}

Ints kernel_of(const Call& c, const Value& weights) {
  Ints kernel;
  for (size_t i = 2; i < weights.shape().size(); ++i) {
    if (!weights.shape()[i].known()) c.refuse("a kernel without known sizes");
    kernel.push_back(weights.shape()[i].size());
  }
  const Ints named = c.ints("kernel_shape", kernel);
  if (named != kernel)
    fail("[onnx] {}: kernel_shape is {}; the weights' is {}", c.node().op_type, str(named),
         str(kernel));
  return kernel;
}

ops::ConvOptions options_of(const Windows& w, int64_t groups) {
  return {.strides = w.strides,
          .dilations = w.dilations,
          .groups = groups,
          .padding = "explicit",
          .pads_begin = w.begin,
          .pads_end = w.end};
}

Value convolved(const Call& c, const Value& x, const Value& weights, const Value& bias) {
  const Windows w = windows_of(c, x.shape(), kernel_of(c, weights));
  return ops::conv(x, weights, bias, options_of(w, c.i("group", 1)));
}

Values conv(const Call& c) {
  return {convolved(c, c.in(0), c.in(1), c.has(2) ? c.in(2) : Value())};
}

Values conv_transpose(const Call& c) {
  const Value &x = c.in(0), &weights = c.in(1);
  Windows w = windows_of(c, x.shape(), kernel_of(c, weights), true);
  const size_t n = w.kernel.size();
  Ints more = or_all(c.ints("output_padding"), n, 0);
  Ints wanted = c.ints("output_shape");
  const std::string pad = c.s("auto_pad", "NOTSET");
  const bool same = pad == "SAME_UPPER" || pad == "SAME_LOWER";
  if (more.size() != n) fail("[onnx] ConvTranspose: output_padding {}", str(more));
  if (wanted.size() > n)
    wanted.erase(wanted.begin(), wanted.end() - static_cast<std::ptrdiff_t>(n));
  if (!wanted.empty() || same) {
    for (size_t i = 0; i < n; ++i) {
      if (!x.shape()[i + 2].known()) c.refuse("an axis without a known size");
      const int64_t in = x.shape()[i + 2].size();
      const int64_t out = wanted.empty() ? in * w.strides[i] : wanted[i];
      const int64_t all =
          w.strides[i] * (in - 1) + more[i] + (w.kernel[i] - 1) * w.dilations[i] + 1 - out;
      const int64_t pads = std::max<int64_t>(all, 0);
      if (all < 0) more[i] -= all;
      w.begin[i] = pad == "SAME_UPPER" ? pads / 2 : pads - pads / 2;
      w.end[i] = pads - w.begin[i];
    }
  }
  return {ops::conv_transpose(x, weights, c.has(2) ? c.in(2) : Value(),
                              options_of(w, c.i("group", 1)), more)};
}

Value in_double(const Value& x, const Call& c, size_t zero, bool by_filter) {
  Value v = ops::cast(x, DType::f64);
  if (!c.has(zero)) return v;
  Value z = ops::cast(c.in(zero), DType::f64);
  if (by_filter && z.rank() == 1 && z.shape()[0] != Dim(1)) {
    Shape shape(static_cast<size_t>(x.rank()), 1);
    shape[0] = z.shape()[0];
    z = ops::reshape(z, shape);
  } else {
    z = ops::reshape(z, Shape());
  }
  return v - z;
}

Values conv_integer(const Call& c) {
  const Value y = convolved(c, in_double(c.in(0), c, 2, false), in_double(c.in(1), c, 3, true), {});
  return {ops::cast(y, DType::i32)};
}

// x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias
Values q_linear_conv(const Call& c) {
  const auto real = [](const Value& v) { return ops::cast(v, DType::f64); };
  const Value bias = c.has(8) ? real(c.in(8)) : Value();
  const Value sum =
      convolved(c, in_double(c.in(0), c, 2, false), in_double(c.in(3), c, 5, true), bias);
  Value scale = real(c.in(4));
  if (scale.rank() == 1 && scale.shape()[0] != Dim(1)) {
    Shape shape(static_cast<size_t>(sum.rank()), 1);
    shape[1] = scale.shape()[0];
    scale = ops::reshape(scale, shape);
  } else {
    scale = ops::reshape(scale, Shape());
  }
  const Value one_scale = ops::reshape(real(c.in(1)) / real(c.in(6)), Shape());
  const Value y = ops::round(sum * (scale * one_scale)) + ops::reshape(real(c.in(7)), Shape());
  return {ops::cast(y, c.in(7).dtype())};
}

ops::PoolOptions pooling(const Call& c, const Windows& w) {
  return {.strides = w.strides,
          .dilations = w.dilations,
          .padding = "explicit",
          .pads_begin = w.begin,
          .pads_end = w.end,
          .ceil = c.i("ceil_mode", 0) != 0,
          .count_include_pad = c.i("count_include_pad", 0) != 0};
}

Values max_pool(const Call& c) {
  const Value& x = c.in(0);
  const Windows w = windows_of(c, x.shape(), c.ints("kernel_shape"));
  const Value real = is_floating(x.dtype()) ? x : ops::cast(x, DType::f32);
  return {ops::cast(ops::max_pool(real, w.kernel, pooling(c, w)), x.dtype())};
}

bool dilated(const Windows& w) {
  return std::any_of(w.dilations.begin(), w.dilations.end(), [](int64_t d) { return d != 1; });
}

// A last window that hangs over the end, as pads; one that begins behind the image and the pads
// before it does not count.
void cover_rest(const Call& c, const Shape& x, Windows& w) {
  if (c.i("ceil_mode", 0) == 0) return;
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    if (!x[i + 2].known()) c.refuse("ceil_mode of an axis without a known size");
    const int64_t size = x[i + 2].size(), all = size + w.begin[i] + w.end[i];
    const int64_t extent = (w.kernel[i] - 1) * w.dilations[i] + 1;
    if (all < extent || (all - extent) % w.strides[i] == 0) continue;
    const int64_t last = ((all - extent) / w.strides[i] + 1) * w.strides[i];
    if (last < size + w.begin[i]) w.end[i] += last + extent - all;
  }
}

// The sums over windows of each channel, by a convolution with ones.
Value window_sums(const Call& c, const Value& x, const Windows& w) {
  const Dim& channels = x.shape()[1];
  if (!channels.known()) c.refuse("channels without a known number");
  Shape ones{channels, 1};
  for (int64_t k : w.kernel) ones.push_back(k);
  return ops::conv(x, ops::broadcast_to(constant(1.0, x.dtype()), ones), {},
                   options_of(w, channels.size()));
}

Values average_pool(const Call& c) {
  const Value& x = c.in(0);
  Windows w = windows_of(c, x.shape(), c.ints("kernel_shape"));
  if (!dilated(w)) return {ops::avg_pool(x, w.kernel, pooling(c, w))};
  const Windows given = w;
  cover_rest(c, x.shape(), w);
  const Value sums = window_sums(c, x, w);
  Shape one = x.shape();
  one[0] = one[1] = 1;
  Value there = ops::broadcast_to(constant(1.0, x.dtype()), one);
  Windows counting = w;
  if (c.i("count_include_pad", 0) != 0) {  // the given pads count, what was added does not
    Sizes low(one.size(), 0), high(low);
    for (size_t i = 0; i < w.kernel.size(); ++i) {
      low[i + 2] = given.begin[i];
      high[i + 2] = given.end[i];
      counting.begin[i] = 0;
      counting.end[i] = w.end[i] - given.end[i];
    }
    there = ops::pad(there, low, high, 1.0);
  }
  return {sums / window_sums(c, there, counting)};
}

Value root(const Value& sum, int64_t p) {
  if (p == 1) return sum;
  if (p == 2) return ops::sqrt(sum);
  return ops::power(sum, constant(1.0 / static_cast<double>(p), sum.dtype()));
}
Value raised(const Value& x, int64_t p) {
  if (p == 2) return ops::square(x);
  const Value a = ops::absolute(x);
  return p == 1 ? a : ops::power(a, constant(static_cast<double>(p), x.dtype()));
}

Values lp_pool(const Call& c) {
  const Value& x = c.in(0);
  Windows w = windows_of(c, x.shape(), c.ints("kernel_shape"));
  const int64_t p = c.i("p", 2);
  cover_rest(c, x.shape(), w);
  return {root(window_sums(c, raised(x, p), w), p)};
}

std::vector<int64_t> spatial_axes(const Value& x) {
  Ints axes;
  for (int64_t i = 2; i < x.rank(); ++i) axes.push_back(i);
  return axes;
}
Values global_average_pool(const Call& c) {
  const Ints axes = spatial_axes(c.in(0));
  return {axes.empty() ? c.in(0) : ops::mean(c.in(0), axes, true)};
}
Values global_max_pool(const Call& c) {
  const Ints axes = spatial_axes(c.in(0));
  return {axes.empty() ? c.in(0) : ops::max(c.in(0), axes, true)};
}
Values global_lp_pool(const Call& c) {
  const int64_t p = c.i("p", 2);
  const Ints axes = spatial_axes(c.in(0));
  const Value powers = raised(c.in(0), p);
  return {root(axes.empty() ? powers : ops::sum(powers, axes, true), p)};
}

// What max pooling took goes back to where it came from.
Values max_unpool(const Call& c) {
  const Value& x = c.in(0);
  const Windows w = windows_of(c, x.shape(), c.ints("kernel_shape"));
  if (!x.shape().known()) c.refuse("values without known sizes");
  Sizes to = x.shape().sizes();
  for (size_t i = 0; i < w.kernel.size(); ++i)
    to[i + 2] = (to[i + 2] - 1) * w.strides[i] - w.begin[i] - w.end[i] + w.kernel[i];
  // The positions count within the size that output_shape says or else within this one.
  const Sizes given = c.has(2) ? c.numbers(2) : to;
  if (given.size() != to.size()) fail("[onnx] MaxUnpool: an output shape {}", str(given));
  const int64_t n = count_of(given);
  const Value zeros = ops::broadcast_to(constant(0.0, x.dtype()), {n});
  Value at = c.in(1);
  if (given != to) {  // indices are those of the smaller one
    Value rest = at;
    Value flat;
    int64_t stride = 1;
    for (size_t i = to.size(); i-- > 0;) {
      const Value size = constant(static_cast<double>(to[i]), DType::i64);
      const Value part =
          ops::remainder(rest, size) * constant(static_cast<double>(stride), DType::i64);
      flat = flat.defined() ? flat + part : part;
      rest = ops::integer_divide(rest, size);
      stride *= given[i];
    }
    at = flat;
  }
  const Dim count = x.shape().count();
  return {ops::reshape(
      ops::scatter_elements(zeros, ops::reshape(at, {count}), ops::reshape(x, {count}), 0),
      Shape(given))};
}

// theta [N, 2, 3] or [N, 3, 4] times the places of a grid, in [-1, 1].
Values affine_grid(const Call& c) {
  const Value& theta = c.in(0);
  const Ints size = c.numbers(1);
  const size_t d = size.size() - 2;
  if (size.size() < 4 || size.size() > 5 || theta.rank() != 3)
    fail("[onnx] AffineGrid: sizes {} with theta {}", str(size), theta.shape().str());
  const bool corners = c.i("align_corners", 0) != 0;
  Shape grid;
  for (size_t i = 0; i < d; ++i) grid.push_back(size[i + 2]);
  const Dim n = grid.count();
  Values columns;
  for (size_t i = d; i-- > 0;) {  // x first
    std::vector<double> places;
    const auto count = static_cast<double>(size[i + 2]);
    for (int64_t j = 0; j < listed(size[i + 2]); ++j) {
      const auto at = static_cast<double>(j);
      places.push_back(corners ? (count == 1 ? 0 : -1 + 2 * at / (count - 1))
                               : -1 + (2 * at + 1) / count);
    }
    Shape along(d, 1);
    along[i] = size[i + 2];
    const Value axis = constant(Tensor::from(places, {size[i + 2]}).cast(theta.dtype()));
    columns.push_back(ops::reshape(ops::broadcast_to(ops::reshape(axis, along), grid), {n, 1}));
  }
  columns.push_back(ops::broadcast_to(constant(1.0, theta.dtype()), {n, 1}));
  const Value points = ops::concat(columns, 1);  // [places, d + 1]
  Shape to{theta.shape()[0]};
  to.insert(to.end(), grid.begin(), grid.end());
  to.push_back(static_cast<int64_t>(d));
  return {ops::reshape(ops::matmul(points, theta, false, true), to)};
}

constexpr Mapping kMappings[] = {
    {"Conv", 1, conv},
    {"ConvTranspose", 1, conv_transpose},
    {"ConvInteger", 10, conv_integer},
    {"QLinearConv", 10, q_linear_conv},
    {"MaxPool", 1, max_pool},
    {"AveragePool", 1, average_pool},
    {"LpPool", 2, lp_pool},
    {"GlobalAveragePool", 1, global_average_pool},
    {"GlobalMaxPool", 1, global_max_pool},
    {"GlobalLpPool", 2, global_lp_pool},
    {"MaxUnpool", 9, max_unpool},
    {"AffineGrid", 20, affine_grid},
    {"GridSample", 16, grid_sample},
    {"Resize", 10, resize},
    {"Upsample", 7, upsample},
};

}  // namespace

std::span<const Mapping> vision_mappings() { return kMappings; }

}  // namespace andiron::io::onnx
