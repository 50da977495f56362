#pragma once

#include <unordered_map>

#include "andiron/graph/graph.hpp"

namespace andiron {

/// How often each value is read: by nodes, as an output, by updates.
using Uses = std::unordered_map<Value, int, ValueHash>;
Uses uses_of(const Graph& graph);

}  // namespace andiron
