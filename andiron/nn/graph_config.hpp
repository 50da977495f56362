#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "andiron/graph/graph.hpp"

namespace andiron::nn {

/// Names, types and trainability of variables, without their values.
nlohmann::json variables_config(const std::vector<VariablePtr>& variables);
/// New variables, zero.
std::vector<VariablePtr> variables_from_config(const nlohmann::json& config);

/// A graph as JSON, its variables named by their place in `variables` ("0", "1", ...). Throws
/// Error when it reads others.
nlohmann::json graph_config(const Graph& graph, const std::vector<VariablePtr>& variables);
Graph graph_from_config(const nlohmann::json& config, const std::vector<VariablePtr>& variables);

}  // namespace andiron::nn
