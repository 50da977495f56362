#include "andiron/ops/pool/pool.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/ops/conv/channels.hpp"

namespace andiron::ops {

namespace {

// Each window sees a place of x: only taps that are farther apart than x is wide may pass it by.
void check_sight(std::string_view op, const PoolShape& s, size_t axis) {
  constexpr int64_t kMostPlaces = 1 << 16;  // that are looked at
  const int64_t size = s.src[axis + 2].size(), places = s.dst[axis + 2].size();
  const Window& w = s.window;
  if (w.dilations[axis] <= size) return;
  if (places > kMostPlaces)
    fail("[{}] {} windows of taps {} apart are too many along axis {} of {}", op, places,
         w.dilations[axis], axis + 2, s.src.str());
  for (int64_t o = 0; o < places; ++o) {
    const TapRange taps(o * w.strides[axis] - w.begin[axis], w.dilations[axis], w.kernel[axis], 0,
                        size);
    if (taps.first == taps.last)
      fail("[{}] window {} along axis {} of {} would see nothing: its taps are {} apart", op, o,
           axis + 2, s.src.str(), w.dilations[axis]);
  }
}

}  // namespace

std::vector<AttributeSpec> pool_attributes(std::vector<AttributeSpec> more) {
  std::vector<AttributeSpec> attributes{
      {"kernel",
       {},
       "sizes of the window, one for each spatial axis or one for all",
       std::vector<int64_t>()}};
  for (AttributeSpec& spec : window_attributes()) attributes.push_back(std::move(spec));
  attributes[1].doc += "; empty: the kernel's sizes";
  attributes.push_back({"ceil", false, "whether a last window may hang over the end"});
  attributes.push_back(channels_last_attribute());
  attributes.insert(attributes.end(), more.begin(), more.end());
  return attributes;
}

PoolShape pool_shape(std::string_view op, const Attributes& attributes, const Shape& x) {
  PoolShape s;
  s.channels_last = attributes.get<bool>("channels_last");
  s.count_pads = attributes.has("count_include_pad") && attributes.get<bool>("count_include_pad");
  s.src = channels_first(x, s.channels_last);
  const auto n = spatial_sizes(op, s.src).size();
  const auto kernel =
      for_each_axis(op, "kernel", attributes.get<std::vector<int64_t>>("kernel"), n);
  if (kernel.empty()) fail("[{}] kernel needs the sizes of the window", op);
  s.window = window_of(op, attributes, s.src, kernel, kernel);
  for (size_t i = 0; i < n; ++i)
    if (s.window.begin[i] >= s.window.extent(i) || s.window.end[i] >= s.window.extent(i))
      fail(
          "[{}] pads must be smaller than the window of {}, or windows would see nothing; got {} "
          "and {}",
          op, s.window.extent(i), s.window.begin[i], s.window.end[i]);
  s.dst = {s.src[0], s.src[1]};
  for (int64_t places : window_places(op, s.window, s.src, attributes.get<bool>("ceil")))
    s.dst.emplace_back(places);
  for (size_t i = 0; i < n; ++i) check_sight(op, s, i);
  return s;
}

PoolShape pool_shape(const Node& node) {
  const bool averages_back = node.attributes.has("shape");
  return pool_shape(node.op->name, node.attributes,
                    averages_back ? node.attr<Shape>("shape") : node.inputs[0].shape());
}

int64_t averaged_places(const PoolShape& s, const WindowLoop& loop, int64_t o) {
  const int64_t at[3] = {o / loop.out[2] / loop.out[1], o / loop.out[2] % loop.out[1],
                         o % loop.out[2]};
  int64_t n = 1;
  for (size_t i = 0; i < 3; ++i) {
    const size_t axis = i + s.window.rank();  // 3 axes in front of which some are missing
    const int64_t pads_end = axis < 3 ? 0 : s.window.end[axis - 3];
    const int64_t begin = at[i] * loop.stride[i] - loop.begin[i];
    const TapRange taps(begin, loop.dilation[i], loop.kernel[i], s.count_pads ? -loop.begin[i] : 0,
                        loop.in[i] + (s.count_pads ? pads_end : 0));
    n *= taps.last - taps.first;
  }
  return n;
}

double pool_flops(const Node& node) {
  const PoolShape s = pool_shape(node);
  return static_cast<double>(s.dst.count().size()) * static_cast<double>(s.window.taps());
}

Attributes pool_attributes(std::vector<int64_t> kernel, const PoolOptions& options) {
  return {{"kernel", std::move(kernel)},
          {"strides", options.strides},
          {"dilations", options.dilations},
          {"padding", options.padding},
          {"pads_begin", options.pads_begin},
          {"pads_end", options.pads_end},
          {"ceil", options.ceil}};
}

}  // namespace andiron::ops
