#pragma once

#include "andiron/ops/conv/window.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

/// A pooling's sizes, read from any of the ops of the rooms of max and average.
struct PoolShape {
  Window window;
  Shape src, dst;  ///< [N, C, spatial...], whatever the layout
  bool channels_last = false;
  bool count_pads = false;  ///< of averages: pads (not what `ceil` adds) count as zeros
};
/// `x` is the type of what is pooled, in the layout that the attributes say.
PoolShape pool_shape(std::string_view op, const Attributes& attributes, const Shape& x);
/// The same of any node of the rooms: of what was pooled in the forward op.
PoolShape pool_shape(const Node& node);

/// Attributes of poolings: kernel, windows, ceil, channels_last.
std::vector<AttributeSpec> pool_attributes(std::vector<AttributeSpec> more = {});
/// Their values for what a builder function was given; count_include_pad is the average's alone.
Attributes pool_attributes(std::vector<int64_t> kernel, const PoolOptions& options);
/// How many places the window of output `o` averages over.
int64_t averaged_places(const PoolShape& s, const WindowLoop& loop, int64_t o);
double pool_flops(const Node& node);

}  // namespace andiron::ops
