#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "andiron/graph/schema.hpp"

/// Windows that slide over the spatial axes of x [N, C, spatial...], 1 to 3 of them: what the rooms
/// of convolution and pooling share.
namespace andiron::ops {

/// One entry per spatial axis. Output i along an axis sees the inputs
/// i * stride - begin + tap * dilation, tap in [0, kernel), as far as they exist.
struct Window {
  std::vector<int64_t> kernel, strides, dilations, begin, end;

  size_t rank() const { return kernel.size(); }
  int64_t taps() const;
  /// The distance from the first to behind the last tap.
  int64_t extent(size_t axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }
};

/// strides, dilations, padding, pads_begin, pads_end.
std::vector<AttributeSpec> window_attributes();
/// The same as lists with an entry per axis, for ops made by gradient rules.
std::vector<AttributeSpec> explicit_window_attributes();

/// Reads the attributes beside x [N, C, spatial...] and `kernel`; with no strides given they are
/// `default_strides`. An attribute of one entry holds for all axes. "same" (TensorFlow's: the
/// output has ceil(size / stride) places, and of an odd number of pads the greater half stands
/// at the end) becomes pads here. Throws Error naming `op` where a rule is broken.
Window window_of(std::string_view op, const Attributes& attributes, const Shape& x,
                 const std::vector<int64_t>& kernel,
                 const std::vector<int64_t>& default_strides = {});
/// A copy of one entry per axis of what may be given as one number; empty stays empty.
std::vector<int64_t> for_each_axis(std::string_view op, std::string_view name,
                                   std::vector<int64_t> values, size_t n_axes);
/// strides, dilations, pads_begin and pads_end for ops made by gradient rules.
Attributes explicit_attributes(const Window& window);
/// Reads those again.
Window explicit_window(const Attributes& attributes, std::vector<int64_t> kernel);

/// Sizes of the result's spatial axes. With `ceil` a last window that hangs over the end counts
/// when it begins within x or the pads before it. Throws Error when a window does not fit
/// or has 2^31 taps or more.
std::vector<int64_t> window_places(std::string_view op, const Window& window, const Shape& x,
                                   bool ceil = false);

/// Spatial sizes of x [N, C, spatial...]; throws Error unless there are 1 to 3 of them, all known.
std::vector<int64_t> spatial_sizes(std::string_view op, const Shape& x);

/// The taps [first, last) of `kernel` ones, `dilation` apart, the first of them at `start`, that
/// see a place within [low, high).
struct TapRange {
  TapRange(int64_t start, int64_t dilation, int64_t kernel, int64_t low, int64_t high) {
    // The first tap at a place or behind it. Nearly all windows lie inside: no division for them.
    auto tap_at = [&](int64_t place) {
      const int64_t behind = place - start;
      if (behind <= 0) return int64_t{0};
      if (behind > (kernel - 1) * dilation) return kernel;
      return (behind + dilation - 1) / dilation;
    };
    first = tap_at(low);
    last = tap_at(high);
  }

  int64_t first, last;
};

/// A window with its sizes on both sides, axes of size 1 in front so that there are three.
struct WindowLoop {
  WindowLoop(const Window& window, const Sizes& inputs, const Sizes& outputs);

  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1};
  int64_t begin[3] = {0, 0, 0};

  int64_t n_in() const { return in[0] * in[1] * in[2]; }
  int64_t n_out() const { return out[0] * out[1] * out[2]; }

  /// Calls f(input, tap) for the taps of one output that exist, in order; flat indices.
  template <class F>
  void taps_of(int64_t output, F f) const {
    const int64_t o[3] = {output / out[2] / out[1], output / out[2] % out[1], output % out[2]};
    const TapRange taps[3] = {inside(0, o[0]), inside(1, o[1]), inside(2, o[2])};
    auto place = [&](size_t i, int64_t k) { return o[i] * stride[i] - begin[i] + k * dilation[i]; };
    for (int64_t k0 = taps[0].first; k0 < taps[0].last; ++k0)
      for (int64_t k1 = taps[1].first; k1 < taps[1].last; ++k1)
        for (int64_t k2 = taps[2].first; k2 < taps[2].last; ++k2)
          f((place(0, k0) * in[1] + place(1, k1)) * in[2] + place(2, k2),
            (k0 * kernel[1] + k1) * kernel[2] + k2);
  }

 private:
  TapRange inside(size_t axis, int64_t o) const {
    return {o * stride[axis] - begin[axis], dilation[axis], kernel[axis], 0, in[axis]};
  }
};

}  // namespace andiron::ops
