#include <algorithm>

#include "andiron/io/onnx/call.hpp"

// Values between the elements of an image, at places that a grid names.
namespace andiron::io::onnx {

namespace {

struct Sampling {
  std::string mode, padding;
  bool corners;
};

// The triangle wave between low and high.
Value reflected(const Value& x, double low, double high) {
  const double period = 2 * (high - low);
  if (period <= 0) return zeros_like(x) + low;
  const Value t = ops::remainder(ops::absolute(x - low), constant(period, x.dtype()));
  return ops::minimum(t, period - t) + low;
}

struct Neighbour {
  Value index, weight, inside;  ///< int64; what it counts; 1 or 0
};

// The elements along one axis of size n that matter at x, with their weights.
std::vector<Neighbour> neighbours(const Sampling& s, Value x, int64_t n) {
  const DType dtype = x.dtype();
  const auto last = static_cast<double>(n - 1);
  const double low = s.corners ? 0 : -0.5, high = s.corners ? last : last + 0.5;
  if (s.mode == "nearest") x = ops::round(x);
  if (s.padding == "border") x = ops::clip(x, 0, last);
  if (s.padding == "reflection") x = reflected(x, low, high);
  const Value base = s.mode == "nearest" ? x : ops::floor(x);
  const Value r = x - base;
  std::vector<std::pair<int, Value>> taps;
  if (s.mode == "nearest") {
    taps = {{0, constant(1.0, dtype)}};
  } else if (s.mode == "linear") {
    taps = {{0, 1.0 - r}, {1, r}};
  } else {  // Keys' kernel, a = -0.75
    const auto near = [](const Value& d) { return (d * 1.25 - 2.25) * d * d + 1.0; };
    const auto far = [](const Value& d) { return ((d * -0.75 + 3.75) * d - 6.0) * d + 3.0; };
    taps = {{-1, far(r + 1.0)}, {0, near(r)}, {1, near(1.0 - r)}, {2, far(2.0 - r)}};
  }
  std::vector<Neighbour> out;
  for (const auto& [offset, weight] : taps) {
    Value at = base + static_cast<double>(offset);
    Value inside = constant(1.0, dtype);
    if (s.padding == "zeros")
      inside = ops::cast(ops::logical_and(ops::greater_equal(at, constant(0.0, dtype)),
                                          ops::less_equal(at, constant(last, dtype))),
                         dtype);
    if (s.padding == "reflection") at = reflected(at, low, high);
    out.push_back({ops::cast(ops::clip(at, 0, last), DType::i64), weight, inside});
  }
  return out;
}

}  // namespace

std::vector<Value> grid_sample(const Call& c) {
  const Value &x = c.in(0), &grid = c.in(1);
  Sampling s{c.s("mode", c.opset() >= 20 ? "linear" : "bilinear"), c.s("padding_mode", "zeros"),
             c.i("align_corners", 0) != 0};
  if (s.mode == "bilinear") s.mode = "linear";
  if (s.mode == "bicubic") s.mode = "cubic";
  if (s.mode != "linear" && s.mode != "cubic" && s.mode != "nearest") c.refuse("mode " + s.mode);
  const auto d = static_cast<size_t>(std::max<int64_t>(0, x.rank() - 2));
  if (d < 1 || d > 3 || grid.rank() != x.rank() ||
      grid.shape().back() != Dim(static_cast<int64_t>(d)))
    fail("[onnx] GridSample of {} at {}", x.shape().str(), grid.shape().str());
  Shape spatial(x.shape().begin() + 2, x.shape().end());
  Shape out(grid.shape().begin() + 1, grid.shape().end() - 1);
  if (!spatial.known()) c.refuse("an image without known sizes");
  const Dim &rows = x.shape()[0], &channels = x.shape()[1], places = out.count();
  const Value image = ops::reshape(x, {rows, channels, spatial.count()});
  const Value points = ops::reshape(grid, {rows, places, static_cast<int64_t>(d)});
  std::vector<std::vector<Neighbour>> along;
  for (size_t i = 0; i < d; ++i) {  // the grid names the last axis first
    const auto n = static_cast<double>(spatial[i].size());
    const Value g = ops::gather(points, constant(static_cast<double>(d - 1 - i), DType::i64), 2);
    const Value at = s.corners ? (g + 1.0) * ((n - 1) / 2) : ((g + 1.0) * n - 1.0) / 2.0;
    along.push_back(neighbours(s, at, spatial[i].size()));
  }
  Value sum;
  std::vector<size_t> choice(d, 0);
  while (true) {
    Value flat, weight;
    for (size_t i = 0; i < d; ++i) {
      const Neighbour& n = along[i][choice[i]];
      const Value w = n.weight * n.inside;
      flat = i == 0 ? n.index
                    : flat * constant(static_cast<double>(spatial[i].size()), DType::i64) + n.index;
      weight = i == 0 ? w : weight * w;
    }
    const Value at =
        ops::broadcast_to(ops::reshape(flat, {rows, 1, places}), {rows, channels, places});
    weight = ops::broadcast_to(weight, {rows, places});
    const Value term = ops::gather_elements(image, at, 2) *
                       ops::cast(ops::reshape(weight, {rows, 1, places}), x.dtype());
    sum = sum.defined() ? sum + term : term;
    size_t i = 0;
    while (i < d && ++choice[i] == along[i].size()) choice[i++] = 0;
    if (i == d) break;
  }
  Shape to{rows, channels};
  to.insert(to.end(), out.begin(), out.end());
  return {ops::reshape(sum, to)};
}

}  // namespace andiron::io::onnx
