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
/// when it begins within x or the pads before it. Throws Error when a window does not fit.
std::vector<int64_t> window_places(std::string_view op, const Window& window, const Shape& x,
                                   bool ceil = false);
/// Throws Error when shape has more elements than an address has numbers.
void check_count(std::string_view op, const Shape& shape);

/// Spatial sizes of x [N, C, spatial...]; throws Error unless there are 1 to 3 of them, all known.
std::vector<int64_t> spatial_sizes(std::string_view op, const Shape& x);

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
    const int64_t o2 = output % out[2], o1 = output / out[2] % out[1],
                  o0 = output / out[2] / out[1];
    for (int64_t k0 = 0; k0 < kernel[0]; ++k0) {
      const int64_t i0 = o0 * stride[0] - begin[0] + k0 * dilation[0];
      if (i0 < 0 || i0 >= in[0]) continue;
      for (int64_t k1 = 0; k1 < kernel[1]; ++k1) {
        const int64_t i1 = o1 * stride[1] - begin[1] + k1 * dilation[1];
        if (i1 < 0 || i1 >= in[1]) continue;
        for (int64_t k2 = 0; k2 < kernel[2]; ++k2) {
          const int64_t i2 = o2 * stride[2] - begin[2] + k2 * dilation[2];
          if (i2 < 0 || i2 >= in[2]) continue;
          f((i0 * in[1] + i1) * in[2] + i2, (k0 * kernel[1] + k1) * kernel[2] + k2);
        }
      }
    }
  }
};

}  // namespace andiron::ops
