#include <algorithm>
#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/ops/conv/window.hpp"
#include "andiron/ops/resize/resample.hpp"

namespace andiron::ops {

namespace {

double triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

// Keys's cubic; a = -0.75 as in PyTorch and ONNX, -0.5 as in Pillow with antialiasing.
double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
}

// Where the middle of place o stands among the places of x.
double source_of(const ResizeOptions& options, int64_t o, int64_t in, int64_t out, double scale) {
  const auto at = static_cast<double>(o);
  if (options.coordinates == "align_corners")
    return out == 1 ? 0.0 : at * static_cast<double>(in - 1) / static_cast<double>(out - 1);
  if (options.coordinates == "asymmetric") return at / scale;
  if (options.coordinates == "pytorch_half_pixel" && out == 1) return 0.0;
  return (at + 0.5) / scale - 0.5;
}

int64_t rounded(const std::string& rounding, double x) {
  if (rounding == "floor") return static_cast<int64_t>(std::floor(x));
  if (rounding == "ceil") return static_cast<int64_t>(std::ceil(x));
  return static_cast<int64_t>(rounding == "round_prefer_ceil" ? std::floor(x + 0.5)
                                                              : std::ceil(x - 0.5));
}

void check(const ResizeOptions& options) {
  auto one_of = [](const char* what, const std::string& value,
                   std::initializer_list<const char*> known) {
    std::string list;
    for (const char* name : known) {
      if (value == name) return;
      list += (list.empty() ? "" : ", ") + std::string(name);
    }
    fail("[resize] {} is one of {}; got '{}'", what, list, value);
  };
  one_of("mode", options.mode, {"nearest", "linear", "cubic"});
  one_of("coordinates", options.coordinates,
         {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"});
  one_of("rounding", options.rounding,
         {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"});
}

AxisWeights weights_of(const ResizeOptions& options, int64_t in, int64_t out, double scale) {
  AxisWeights weights(in, out);
  // A filter as wide as the places of the result, where it shrinks.
  const double width = options.antialias && scale < 1.0 ? 1.0 / scale : 1.0;
  const double reach = (options.mode == "cubic" ? 2.0 : 1.0) * width;
  for (int64_t o = 0; o < out; ++o) {
    const double x = source_of(options, o, in, out, scale);
    if (options.mode == "nearest") {
      weights.add(o, rounded(options.rounding, x), 1.0);
      continue;
    }
    auto filter = [&](double distance) {
      return options.mode == "linear" ? triangle(distance / width)
                                      : cubic(distance / width, options.antialias ? -0.5 : -0.75);
    };
    // Antialiased filters end at the edges, the others repeat the edge.
    auto begin = static_cast<int64_t>(std::floor(x - reach)) + 1;
    auto end = static_cast<int64_t>(std::ceil(x + reach));
    if (options.antialias) {
      begin = std::max<int64_t>(begin, 0);
      end = std::min(end, in);
    }
    double total = 0;
    for (int64_t i = begin; i < end; ++i) total += filter(static_cast<double>(i) - x);
    for (int64_t i = begin; i < end; ++i) {
      const double w = filter(static_cast<double>(i) - x);
      if (w != 0.0) weights.add(o, i, w / total);
    }
  }
  return weights;
}

}  // namespace

Value resize(const Value& x, std::vector<int64_t> sizes, const ResizeOptions& options) {
  check(options);
  const auto in = spatial_sizes("resize", x.shape());
  sizes = for_each_axis("resize", "sizes", std::move(sizes), in.size());
  if (sizes.empty()) fail("[resize] needs the sizes of the result");
  if (!options.scales.empty() && options.scales.size() != in.size())
    fail("[resize] scales needs one entry for each spatial axis of {}; got {}", x.shape().str(),
         options.scales.size());
  Value y = x;
  for (size_t i = 0; i < in.size(); ++i) {
    if (sizes[i] < 1 || in[i] < 1)
      fail("[resize] sizes must be positive; got {} for {}", str(sizes), x.shape().str());
    const double scale = options.scales.empty()
                             ? static_cast<double>(sizes[i]) / static_cast<double>(in[i])
                             : options.scales[i];
    if (!(scale > 0.0)) fail("[resize] scales must be positive; got {}", scale);
    if (sizes[i] == in[i] && scale == 1.0) continue;
    y = resample(y, static_cast<int64_t>(i) + 2, weights_of(options, in[i], sizes[i], scale));
  }
  return y;
}

// C r^d channels become C channels of r times the size: element (i, j) of each r x r square comes
// from channel c r^2 + i r + j (Shi et al. 2016; ONNX DepthToSpace, mode CRD).
Value pixel_shuffle(const Value& x, int64_t factor) {
  const auto sizes = spatial_sizes("pixel_shuffle", x.shape());
  const auto d = static_cast<int64_t>(sizes.size());
  if (factor < 1) fail("[pixel_shuffle] factor must be positive; got {}", factor);
  int64_t parts = 1;
  for (int64_t i = 0; i < d; ++i)
    if (__builtin_mul_overflow(parts, factor, &parts))
      fail("[pixel_shuffle] factor {} is too large", factor);
  if (!x.shape()[1].known() || x.shape()[1].size() % parts != 0)
    fail("[pixel_shuffle] the channels of {} must be a multiple of {}", x.shape().str(), parts);
  // [N, C, r..., spatial...] -> [N, C, s0, r0, s1, r1, ...]
  Shape split = {x.shape()[0], Dim(x.shape()[1].size() / parts)}, joined = split;
  std::vector<int64_t> order = {0, 1};
  for (int64_t i = 0; i < d; ++i) {
    split.emplace_back(factor);
    order.push_back(2 + d + i);
    order.push_back(2 + i);
    joined.emplace_back(sizes[static_cast<size_t>(i)] * factor);
  }
  for (int64_t n : sizes) split.emplace_back(n);
  return reshape(transpose(reshape(x, split), order), joined);
}

// Channel g k + j becomes j groups + g: k channels of each group, one from each in turn (Zhang et
// al., ShuffleNet, 2017).
Value channel_shuffle(const Value& x, int64_t groups) {
  (void)spatial_sizes("channel_shuffle", x.shape());
  const Dim& channels = x.shape()[1];
  if (groups < 1 || !channels.known() || channels.size() % groups != 0)
    fail("[channel_shuffle] groups={} does not divide the channels of {}", groups, x.shape().str());
  Shape split = x.shape();
  split[1] = Dim(channels.size() / groups);
  split.insert(split.begin() + 1, Dim(groups));
  std::vector<int64_t> order = {0, 2, 1};
  for (int64_t i = 3; i < static_cast<int64_t>(split.size()); ++i) order.push_back(i);
  return reshape(transpose(reshape(x, split), order), x.shape());
}

}  // namespace andiron::ops
