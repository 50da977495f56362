#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// bfloat16 products as float32 products of the same numbers, with rounded results: for CPUs whose
/// instructions know no bfloat16, where oneDNN has no kernels.
Graph widen_products(const Graph& graph);

}  // namespace andiron
