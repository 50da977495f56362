#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"

namespace andiron::io {

/// A graph as JSON. Nodes stand in an order in which inputs come first, so a reference points
/// backwards and a cycle cannot be written down:
///
///     {"format": "andiron.graph", "version": 1,
///      "nodes": [{"op": "input", "attributes": {"name": "x", "dtype": "float32",
///                                               "shape": ["batch", 10]}},
///                {"op": "variable", "attributes": {"variable": "dense/kernel"}},
///                {"op": "matmul", "inputs": [[0, 0], [1, 0]], "name": "dense",
///                 "attributes": {...}, "outputs": ["float32[batch,4]"]}],
///      "inputs": [0], "outputs": [[2, 0]], "updates": [{"variable": "w", "value": [2, 0]}]}
///
/// An input is [node, output], or null where an optional one is left out. A symbolic dimension is
/// text ("2*batch"). Attributes have the type that the op's schema gives them; a tensor is its
/// index in a list of constants, which belongs into a safetensors file; a variable is its name.
/// Floats that JSON lacks are "nan", "inf" and "-inf".

/// Appends the constants to `constants` (one entry for equal memory), to which indices refer.
/// Throws Error when two variables have one name.
nlohmann::json graph_to_json(const Graph& graph, std::vector<Tensor>& constants);

/// Gives the variable of that name, or null when there is none.
using FindVariable = std::function<VariablePtr(const std::string& name)>;

/// Builds the graph anew through the ops' own rules. Throws Error naming the place ("nodes[3]
/// (matmul)") when anything is wrong: unknown op or attribute, a type, an index, a reference
/// forwards, output types other than the recorded ones.
Graph graph_from_json(const nlohmann::json& json, std::span<const Tensor> constants,
                      const FindVariable& find_variable);

}  // namespace andiron::io
