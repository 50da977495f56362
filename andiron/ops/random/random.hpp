#pragma once

#include "andiron/ops/elementwise.hpp"

/// Shared by the rooms of random ops.
namespace andiron::ops {

/// float32 of the attribute `shape`; the counter is an int64 scalar.
std::vector<TensorType> infer_random(const InferContext& c);
/// rows when axis 0 of the result is symbolic: the batch; fixed otherwise. The counter never has a
/// batch, so the tiling pass asks this of random ops although all their inputs are fixed.
BatchKind batch_of_random(const Node& node, std::span<const BatchKind> in);
/// The position of the first element to compute within the whole batch.
int64_t first_element(const ReferenceContext& c);

}  // namespace andiron::ops
