#pragma once

#include <map>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/io/onnx/proto.hpp"

namespace andiron::io::onnx {

struct ImportOptions {
  /// External data are read below it.
  std::string folder = {};
  /// Graph inputs that become constants: operands that shapes depend on.
  std::map<std::string, Tensor> values = {};
  /// Graph inputs' shapes where they are known better than in the file.
  std::map<std::string, Shape> shapes = {};
  /// Sizes of symbols in the file's shapes ("sequence": 128). Others stay symbols.
  std::map<std::string, int64_t> sizes = {};
  /// Floating point initializers become trainable variables of these; null: constants.
  std::map<std::string, VariablePtr>* variables = nullptr;
  /// Dropout drops, with `step` (int64 scalar) as its counter.
  bool training = false;
  Value step = {};
  /// Gives every value that a node of the main graph makes a placeholder of its own, by which later
  /// nodes are made: each node stays apart, as layers need it.
  bool cut = false;
  /// The values to be computed, by their names or their nodes'; empty: the model's outputs.
  std::vector<std::string> outputs = {};
};

/// A node of the model: the values that it makes, by the names that the model gives them.
struct ImportedNode {
  std::string name, op_type;
  std::vector<std::string> output_names;
  std::vector<Value> outputs;
  std::vector<Value> stand_ins;  ///< with `cut`: what later nodes see; undefined for constants
};

struct Imported {
  /// Placeholders are the model's inputs, outputs its outputs. Empty with `cut`.
  Graph graph;
  std::vector<Value> inputs, outputs;
  std::vector<std::string> input_names, output_names;
  /// Nodes of the main graph whose outputs depend on an input, in the model's order.
  std::vector<ImportedNode> nodes;
};

/// The model as a graph: shape arithmetic is computed here as far as sizes and constants go,
/// functions are inlined, and each operator goes through its family's mapping table. Throws
/// Unsupported, NeedsValue, or Error for a model that breaks the standard's rules; both name the
/// node.
Imported import_graph(const ModelProto& model, const ImportOptions& options = {});

}  // namespace andiron::io::onnx
