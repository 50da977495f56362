#pragma once

#include <string>

#include "andiron/ops/ops.hpp"

namespace andiron::ops {

/// What passes make of conv when its weights are constants. `conv` is a conv or fused_conv node
/// without activation; each returns a value that stands for op(conv).

/// conv(x, w factor, bias factor), `factor` a constant [O].
Value conv_times(const Node& conv, const Tensor& factor);
/// conv with bias + shift, `shift` a constant [O].
Value conv_plus(const Node& conv, const Tensor& shift);
/// conv + residual, of the result's shape.
Value conv_with_residual(const Node& conv, const Value& residual);
/// activation(conv): "relu", or "clip" to [low, high].
Value conv_with_activation(const Node& conv, const std::string& activation, double low,
                           double high);
/// Whether weights and bias of a conv or fused_conv are constants, and nothing comes behind the
/// sum.
bool is_open_constant_conv(const Node& node);

}  // namespace andiron::ops
