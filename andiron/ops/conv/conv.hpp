#pragma once

#include "andiron/ops/conv/window.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

/// A convolution's sizes, read from any of the ops of this room.
struct ConvShape {
  Window window;
  Shape src, dst;  ///< [N, C, spatial...] and [N, O, spatial...], whatever the layout
  int64_t groups = 1, channels = 0, filters = 0;
  bool channels_last = false;
};
/// For the rules, which have no node yet; `x`, `w` and `g` as the op has them for inputs. Throw
/// Error naming `op` where sizes do not fit.
ConvShape conv_forward_shape(std::string_view op, const Attributes& attributes, const Shape& x,
                             const Shape& w);
ConvShape conv_grad_src_shape(std::string_view op, const Attributes& attributes, const Shape& g,
                              const Shape& w);
ConvShape conv_grad_weights_shape(std::string_view op, const Attributes& attributes, const Shape& x,
                                  const Shape& g);
/// REQUIRES a node of conv, fused_conv, quantized_conv, conv_grad_src or conv_grad_weights.
ConvShape conv_shape(const Node& node);
/// What such a node multiplies and adds.
double conv_flops(const Node& node);

}  // namespace andiron::ops
