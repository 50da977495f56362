#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "andiron/graph/graph.hpp"

namespace andiron::nn {

/// Names, types and trainability of variables, without their values.
nlohmann::json variables_config(const std::vector<VariablePtr>& variables);
/// New variables, zero.
std::vector<VariablePtr> variables_from_config(const nlohmann::json& config);

/// A graph as JSON (io/graph_json.hpp), its constants inside under "constants". Throws Error when
/// two of its variables have one name.
nlohmann::json graph_config(const Graph& graph);
/// Throws Error when the graph reads other variables.
Graph graph_from_config(const nlohmann::json& config, const std::vector<VariablePtr>& variables);

}  // namespace andiron::nn
