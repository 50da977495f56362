#pragma once

#include <vector>

#include "andiron/graph/graph.hpp"

namespace andiron::nn {

/// The graph with one leaf for each variable, however often it was read.
Graph merge_reads(const Graph& graph);
/// The graph's int64 scalar input named "step", or a new one; `rest` gets the other inputs.
Value step_input(const Graph& graph, std::vector<Value>& rest);
/// Throws Error unless output `loss_output` is a floating point scalar.
void check_loss(const Graph& forward, size_t loss_output);

}  // namespace andiron::nn
