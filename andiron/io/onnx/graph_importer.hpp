#pragma once

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "andiron/io/onnx/call.hpp"

namespace andiron::io::onnx {

/// One import: names to values, and what is known of them. Not for use by others than import_graph
/// and Call.
class GraphImporter {
 public:
  GraphImporter(const ModelProto& model, const ImportOptions& options);
  Imported run();

  const ImportOptions& options() const { return options_; }
  const ModelProto& model() const { return model_; }

  /// The tensor that a value is, if no input of the graph decides it.
  Tensor known(const Value& v, const std::string& what) const;
  bool is_known(const Value& v) const;
  /// The elements of an integer list, possibly symbols.
  std::optional<std::vector<Dim>> dims_of(const Value& v) const;
  std::vector<Value> run_branch(const GraphProto& graph);
  int64_t next_seed() { return ++seeds_; }

 private:
  using Scope = std::unordered_map<std::string, Value>;
  /// What stands around a node: names, the functions' attributes, opset versions.
  struct Frame {
    std::vector<Scope*> scopes;  // inner ones last
    const std::map<std::string, int64_t>* opsets;
    const std::map<std::string, AttributeProto>* attributes = nullptr;
    int depth = 0;
  };

  void take_inputs(const GraphProto& graph, Scope& scope);
  Value initializer(const TensorProto& t);
  void run_nodes(const std::vector<NodeProto>& nodes, Frame& frame);
  std::vector<Value> convert(const NodeProto& node, Frame& frame, std::vector<Value> inputs);
  std::vector<Value> call_function(const FunctionProto& f, const NodeProto& node,
                                   const std::vector<Value>& inputs, int depth);
  const FunctionProto* find_function(const NodeProto& node) const;
  Value lookup(const std::string& name, const Frame& frame);
  /// A value's own name, or the first output of the node (or layer) that is called so.
  std::string value_named(const std::string& name) const;
  std::optional<std::vector<Dim>> follow_dims(const Call& call) const;
  Value folded(const Value& v) const;
  /// Names of the graph's inputs that it depends on.
  std::set<std::string> inputs_of(const Value& v) const;
  /// What decides a value, the later ones outweighing the earlier.
  enum class Origin { constant, variable, input };
  Origin origin(const Value& v) const;

  const ModelProto& model_;
  const ImportOptions& options_;
  Scope globals_;
  std::unordered_map<std::string, const TensorProto*> pending_;  // initializers not read yet
  std::unordered_map<Value, std::vector<Dim>, ValueHash> dims_;
  mutable std::unordered_map<const Node*, Origin> origins_;
  mutable std::vector<std::shared_ptr<const Node>> keep_;  // their addresses must not be used again
  mutable std::unordered_map<Value, Tensor, ValueHash> known_;
  std::vector<Value> inputs_;
  std::vector<std::string> input_names_;
  std::vector<ImportedNode> nodes_;
  Frame* frame_ = nullptr;  // of the node that is being converted
  int64_t n_nodes_ = 0, seeds_ = 0;
};

}  // namespace andiron::io::onnx
