#pragma once

#include <span>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/tensor/tensor.hpp"

/// Graphs run by the reference kernels, node by node: slow and plain, the measure of everything
/// that is fast.
namespace andiron::ops {

/// One node on dense tensors (an undefined Tensor where an optional input is left out).
/// `first_row`: see ReferenceContext. REQUIRES known shapes; throws Error for bad data.
std::vector<Tensor> run_reference(const Node& node, std::span<const Tensor> inputs,
                                  int64_t first_row = 0);

/// Whether a node has nothing to do, however large the sizes of its results are beside the 0: these
/// are empty, and so are its integers, which may be ids that must be checked. REQUIRES known
/// shapes.
bool is_idle(const Node& node);

/// The graph's outputs. Symbols in its shapes are bound by the inputs' sizes; variables are read,
/// updates are not carried out.
std::vector<Tensor> evaluate_reference(const Graph& graph, const std::vector<Tensor>& inputs);

/// Values that depend on constants and variables only.
std::vector<Tensor> evaluate_reference(const std::vector<Value>& values);

}  // namespace andiron::ops
