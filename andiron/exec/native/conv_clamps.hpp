#pragma once

#include <string_view>

#include "andiron/exec/native/conv_end.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron::exec {

/// Sets the bounds of an activation: linear, relu or clip.
void set_clamps(std::string_view activation, double low, double high, ConvEnd* end);
/// Those of a fused_conv; a conv has none.
void set_clamps(const Node& node, ConvEnd* end);

}  // namespace andiron::exec
