#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "andiron/graph/schema.hpp"
#include "andiron/io/onnx/errors.hpp"
#include "andiron/io/onnx/exporter.hpp"

/// What the export tables are written with: a node of a graph, and the model that grows.
namespace andiron::io::onnx {

class ExportCall {
 public:
  ExportCall(ModelProto& model, const Graph& graph, const ExportOptions& options);

  int64_t opset() const { return options_.opset; }
  const Node& node() const { return *node_; }
  /// The names of the node's input i, and of an output that was given.
  std::string in(size_t i) const { return names_.at(node_->inputs[i]); }
  std::string output(int i) const { return names_.at(Value(node_->shared_from_this(), i)); }
  const TensorType& type(size_t i) const { return node_->inputs[i].type(); }
  template <class T>
  const T& attr(std::string_view name) const {
    return node_->attr<T>(name);
  }

  using Attributes = std::vector<AttributeProto>;
  static AttributeProto ints(const std::string& name, const std::vector<int64_t>& values);
  static AttributeProto i(const std::string& name, int64_t value);
  static AttributeProto f(const std::string& name, double value);
  static AttributeProto s(const std::string& name, const std::string& value);

  /// Adds a node with one output and returns its name, a new one.
  std::string add(const std::string& op, std::vector<std::string> inputs,
                  Attributes attributes = {});
  /// The node's output is this value.
  void give(const std::string& value, int output = 0);
  /// Adds a node with several outputs, which are the node's.
  void give_all(const std::string& op, std::vector<std::string> inputs, Attributes attributes);

  /// Initializers.
  std::string tensor(const Tensor& tensor, const std::string& name = "");
  std::string numbers(const std::vector<int64_t>& values);
  std::string scalar(double value, DType dtype);
  /// int64 [rank]: what a shape is at run time.
  std::string shape(const Shape& shape);
  std::string dimension(const Dim& dim);  ///< int64 [1]

  void run();

 private:
  std::string fresh(const std::string& stem);

  ModelProto& model_;
  const Graph& graph_;
  const ExportOptions& options_;
  const Node* node_ = nullptr;
  std::unordered_map<Value, std::string, ValueHash> names_;
  std::map<std::string, std::string> known_;  // small initializers by what they hold
  std::set<std::string> taken_;
  std::vector<Tensor> owned_;
};

struct ExportMapping {
  std::string_view op;
  void (*convert)(ExportCall&);
};
std::span<const ExportMapping> elementwise_exports();
std::span<const ExportMapping> normalization_exports();
std::span<const ExportMapping> structure_exports();
std::span<const ExportMapping> vision_exports();

}  // namespace andiron::io::onnx
