#pragma once

#include <map>
#include <string>
#include <vector>

#include "andiron/exec/plan.hpp"
#include "andiron/graph/graph.hpp"

namespace andiron::properties {

/// A way to compute a graph.
struct Way {
  std::string name;
  enum Kind { eager, plan, frozen } kind = plan;
  bool symbolic = false;  ///< the plan binds the batch, in place of the graph
  exec::PlanOptions options = {};
  std::vector<std::string> without = {};  ///< passes
};

/// Eager, compiled with one and two threads, from symbols and from numbers, whole and in tiles,
/// frozen, and without each of the passes. `seed` chooses what each is combined with.
std::vector<Way> all_ways(uint64_t seed);

/// A graph's leaves with their values: placeholders in the graph's order, and variables.
struct Values {
  std::vector<Tensor> inputs;
  std::vector<std::pair<VariablePtr, Tensor>> variables;
};

/// Outputs, then the updated variables, in the graph's order. Variables have their values of
/// `values` again afterwards.
std::vector<Tensor> compute(const Way& way, const Graph& graph, const Values& values,
                            const std::map<std::string, int64_t>& sizes);
/// By the reference kernels.
std::vector<Tensor> reference(const Graph& graph, const Values& values,
                              const std::map<std::string, int64_t>& sizes);

}  // namespace andiron::properties
