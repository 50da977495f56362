#pragma once

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Computes images with their channels last, [N, spatial..., C]: convolutions, pooling and what is
/// between them (docs/architecture.md, "Layouts"). Transposes stand where other values meet them;
/// those that a channels-last face brought in vanish. REQUIRES known shapes.
Graph lay_out(const Graph& graph);

}  // namespace andiron
