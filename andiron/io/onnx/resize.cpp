#include <algorithm>
#include <cmath>

#include "andiron/io/onnx/call.hpp"
#include "andiron/ops/catalog.hpp"

// Resize as the standard defines it: axis after axis, each output element a weighted sum of input
// elements around the place that it came from.
namespace andiron::io::onnx {

namespace {

struct Form {
  std::string mode = "nearest", coordinates = "half_pixel", rounding = "round_prefer_floor";
  double cubic = -0.75, extrapolation = 0;
  bool exclude_outside = false, antialias = false;
};

struct Axis {
  int64_t in = 0, out = 0;
  double scale = 1, roi_begin = 0, roi_end = 1;
};

double source(const Form& form, const Axis& a, int64_t index) {
  const auto x = static_cast<double>(index), in = static_cast<double>(a.in);
  const double out = a.scale * in;
  if (form.coordinates == "align_corners") return out == 1 ? 0 : x * (in - 1) / (out - 1);
  if (form.coordinates == "asymmetric") return x / a.scale;
  if (form.coordinates == "tf_crop_and_resize") {
    const double span = (a.roi_end - a.roi_begin) * (in - 1);
    return a.roi_begin * (in - 1) + (out == 1 ? span / 2 : x * span / (out - 1));
  }
  if (form.coordinates == "pytorch_half_pixel" && out == 1) return -0.5;
  if (form.coordinates == "half_pixel_symmetric") {
    const double adjustment = static_cast<double>(a.out) / out;
    return in / 2 * (1 - adjustment) + (x + 0.5) / a.scale - 0.5;
  }
  if (form.coordinates == "half_pixel" || form.coordinates == "pytorch_half_pixel")
    return (x + 0.5) / a.scale - 0.5;
  unsupported("[onnx] Resize: coordinates '{}'", form.coordinates);
}

double cubic(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

// Weights of the elements first, first + 1, ... relative to the one before the place.
std::vector<double> weights_at(const Form& form, double ratio, double scale, int64_t& first) {
  if (form.mode == "nearest") {
    first = 0;
    bool upper = ratio == 1 || form.rounding == "ceil";
    if (form.rounding == "round_prefer_floor") upper = ratio > 0.5;
    if (form.rounding == "round_prefer_ceil") upper = ratio >= 0.5;
    return upper ? std::vector<double>{0, 1} : std::vector<double>{1, 0};
  }
  const double s = form.antialias ? std::min(scale, 1.0) : 1.0;
  const double reach = form.mode == "cubic" ? 2 : 1;
  first = static_cast<int64_t>(std::floor(-reach / s)) + 1;
  std::vector<double> weights;
  double sum = 0;
  for (int64_t i = first; i < 2 - first; ++i) {
    const double at = (static_cast<double>(i) - ratio) * s;
    weights.push_back(form.mode == "cubic" ? cubic(at, form.cubic)
                                           : std::clamp(1 - std::abs(at), 0.0, 1.0));
    sum += weights.back();
  }
  if (form.antialias)
    for (double& w : weights) w /= sum;
  return weights;
}

// Rows of equally many weights, each within the axis.
Value resampled(const Value& x, int64_t axis, int64_t n, std::vector<int64_t> firsts,
                const std::vector<std::vector<double>>& rows) {
  size_t taps = 1;
  for (const auto& row : rows) taps = std::max(taps, row.size());
  if (taps * rows.size() > (size_t{1} << 26)) fail("[onnx] Resize: the weights are too many");
  std::vector<double> weights(taps * rows.size(), 0.0);
  for (size_t o = 0; o < rows.size(); ++o) {
    const int64_t first = std::min(firsts[o], n - static_cast<int64_t>(taps));
    const auto shift = static_cast<size_t>(firsts[o] - first);
    for (size_t i = 0; i < rows[o].size(); ++i) weights[o * taps + shift + i] = rows[o][i];
    firsts[o] = first;
  }
  const Value real = is_floating(x.dtype()) ? x : ops::cast(x, DType::f32);
  const Value y = make_value(
      ops::find("resample"), {real},
      {{"axis", axis}, {"first", std::move(firsts)}, {"weights", std::move(weights)}, {"size", n}});
  return ops::cast(y, x.dtype());
}

Value resized(const Value& x, int64_t axis, const Axis& a, const Form& form) {
  if (a.out < 0 || a.in < 1 || a.out > (1 << 24) || a.in > (1 << 24) || !(a.scale > 0) ||
      a.scale < 1e-5)
    fail("[onnx] Resize of {} to {} elements", a.in, a.out);
  std::vector<int64_t> firsts;
  std::vector<std::vector<double>> rows;
  std::vector<double> outside(static_cast<size_t>(a.out), 0);
  bool any_outside = false;
  for (int64_t o = 0; o < a.out; ++o) {
    const double place = source(form, a, o);
    if (form.coordinates == "tf_crop_and_resize" &&
        (place < 0 || place > static_cast<double>(a.in - 1))) {
      outside[static_cast<size_t>(o)] = 1;
      any_outside = true;
      firsts.push_back(0);
      rows.push_back({1});
      continue;
    }
    const double before = std::ceil(place) - 1;
    int64_t first = 0;
    std::vector<double> w = weights_at(form, place - before, a.scale, first);
    const auto base = static_cast<int64_t>(before) + first;
    if (form.exclude_outside) {
      double sum = 0;
      for (size_t i = 0; i < w.size(); ++i) {
        const int64_t at = base + static_cast<int64_t>(i);
        if (at < 0 || at >= a.in) w[i] = 0;
        sum += w[i];
      }
      for (double& v : w) v /= sum;
    }
    // Beyond the edges the edge's element stands.
    const int64_t low = std::clamp<int64_t>(base, 0, a.in - 1);
    const int64_t high =
        std::clamp<int64_t>(base + static_cast<int64_t>(w.size()) - 1, 0, a.in - 1);
    std::vector<double> row(static_cast<size_t>(high - low + 1), 0);
    for (size_t i = 0; i < w.size(); ++i)
      row[static_cast<size_t>(std::clamp<int64_t>(base + static_cast<int64_t>(i), 0, a.in - 1) -
                              low)] += w[i];
    firsts.push_back(low);
    rows.push_back(std::move(row));
  }
  Value y;
  if (form.mode == "nearest") {
    std::vector<int64_t> nearest;
    for (size_t o = 0; o < rows.size(); ++o)
      nearest.push_back(
          firsts[o] +
          static_cast<int64_t>(std::max_element(rows[o].begin(), rows[o].end()) - rows[o].begin()));
    y = take(x, nearest, axis);
  } else {
    y = resampled(x, axis, a.in, std::move(firsts), rows);
  }
  if (any_outside) {
    Shape along(static_cast<size_t>(x.rank()), 1);
    along[static_cast<size_t>(axis)] = a.out;
    const Value gone =
        ops::reshape(constant(Tensor::from(outside, {a.out}).cast(DType::boolean)), along);
    y = ops::where(gone, constant(form.extrapolation, x.dtype()), y);
  }
  return y;
}

std::vector<Value> resized_all(const Value& given, const std::vector<int64_t>& axes,
                               const std::vector<Axis>& places, const Form& form) {
  Value x = given;
  for (size_t i = 0; i < axes.size(); ++i) {
    const bool crop = form.coordinates == "tf_crop_and_resize" &&
                      (places[i].roi_begin != 0 || places[i].roi_end != 1);
    if (places[i].in == places[i].out && places[i].scale == 1 && !crop) continue;
    x = resized(x, axes[i], places[i], form);
  }
  return {x};
}

int64_t size_at(const Call& c, int64_t axis) {
  const Dim& d = c.in(0).shape()[static_cast<size_t>(axis)];
  return d.known() ? d.size() : -1;
}

std::vector<Axis> by_scales(const Call& c, const std::vector<int64_t>& axes,
                            const std::vector<double>& scales) {
  if (scales.size() != axes.size())
    fail("[onnx] {}: {} scales for {} axes", c.node().op_type, scales.size(), axes.size());
  std::vector<Axis> out;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t n = size_at(c, axes[i]);
    if (n < 0 && scales[i] != 1) c.refuse("an axis without a known size");
    const double size = static_cast<double>(n) * scales[i];
    if (!(std::abs(size) < 1e9)) fail("[onnx] {}: scale {}", c.node().op_type, scales[i]);
    out.push_back({n, n < 0 ? n : static_cast<int64_t>(std::floor(size)), scales[i]});
  }
  return out;
}

std::vector<int64_t> all_axes(const Call& c) {
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < c.in(0).rank(); ++i) axes.push_back(i);
  return axes;
}

}  // namespace

std::vector<Value> upsample(const Call& c) {
  std::vector<double> scales;
  if (c.opset() >= 9) {
    scales = c.reals(1);
  } else {
    for (float s : c.floats("scales")) scales.push_back(static_cast<double>(s));
  }
  Form form{.mode = c.s("mode", "nearest"), .coordinates = "asymmetric", .rounding = "floor"};
  if (form.mode == "bilinear") form.mode = "linear";
  const std::vector<int64_t> axes = all_axes(c);
  return resized_all(c.in(0), axes, by_scales(c, axes, scales), form);
}

std::vector<Value> resize(const Call& c) {
  const int64_t rank = c.in(0).rank();
  Form form;
  form.mode = c.s("mode", "nearest");
  if (c.opset() < 11) {
    form.coordinates = "asymmetric";
    form.rounding = "floor";
    const std::vector<int64_t> axes = all_axes(c);
    return resized_all(c.in(0), axes, by_scales(c, axes, c.reals(1)), form);
  }
  form.coordinates = c.s("coordinate_transformation_mode", "half_pixel");
  form.rounding = c.s("nearest_mode", "round_prefer_floor");
  form.cubic = c.f("cubic_coeff_a", -0.75);
  form.extrapolation = c.f("extrapolation_value", 0);
  form.exclude_outside = c.i("exclude_outside", 0) != 0;
  form.antialias = c.i("antialias", 0) != 0;
  if (form.mode != "nearest" && form.mode != "linear" && form.mode != "cubic")
    c.refuse("mode '" + form.mode + "'");
  std::vector<int64_t> axes = c.ints("axes");
  if (axes.empty()) axes = all_axes(c);
  for (int64_t& axis : axes) axis = normalize_axis("onnx", axis, rank);
  std::vector<Axis> places;
  const bool has_scales = c.has(2) && c.in(2).shape() != Shape{0};
  if (has_scales) {
    places = by_scales(c, axes, c.reals(2));
  } else {
    const Shape sizes = c.sizes(3);
    if (sizes.size() != axes.size())
      fail("[onnx] Resize: {} sizes for {} axes", sizes.size(), axes.size());
    const std::string policy = c.s("keep_aspect_ratio_policy", "stretch");
    double common = 0;
    for (size_t i = 0; i < axes.size(); ++i) {
      const Dim& d = c.in(0).shape()[static_cast<size_t>(axes[i])];
      if (d == sizes[i]) {
        const int64_t n = d.known() ? d.size() : -1;
        places.push_back({n, n, 1.0});
      } else {
        if (!d.known() || !sizes[i].known() || d.size() < 1 || sizes[i].size() < 0)
          c.refuse("an axis without a known size");
        places.push_back({d.size(), sizes[i].size(),
                          static_cast<double>(sizes[i].size()) / static_cast<double>(d.size())});
      }
      const double scale = places.back().scale;
      common = i == 0                   ? scale
               : policy == "not_larger" ? std::min(common, scale)
                                        : std::max(common, scale);
    }
    if (policy != "stretch")
      for (Axis& a : places) {
        a.scale = common;
        a.out = static_cast<int64_t>(std::floor(common * static_cast<double>(a.in) + 0.5));
      }
  }
  if (form.coordinates == "tf_crop_and_resize") {
    const std::vector<double> roi = c.reals(1);
    if (roi.size() != 2 * axes.size()) fail("[onnx] Resize: the roi has {} numbers", roi.size());
    for (size_t i = 0; i < axes.size(); ++i) {
      places[i].roi_begin = roi[i];
      places[i].roi_end = roi[axes.size() + i];
    }
  }
  return resized_all(c.in(0), axes, places, form);
}

}  // namespace andiron::io::onnx
