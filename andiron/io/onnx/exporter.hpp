#pragma once

#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/io/onnx/proto.hpp"

namespace andiron::io::onnx {

inline constexpr int64_t kOldestExport = 13, kNewestExport = 21;

struct ExportOptions {
  int64_t opset = 17;
  std::string graph_name = "andiron";
  std::vector<std::string> output_names = {};  ///< one for each output, or none
};

/// The graph as an ONNX model: variables are initializers under their names, symbols of shapes stay
/// symbols. The model owns copies of the numbers. Throws Unsupported naming an op that has no form
/// in ONNX.
ModelProto export_graph(const Graph& graph, const ExportOptions& options = {});

}  // namespace andiron::io::onnx
