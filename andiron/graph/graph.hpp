#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "andiron/graph/value.hpp"

namespace andiron {

/// A computation: placeholders in, values out, and new values for variables. A value type; the
/// nodes behind it are immutable and shared. A pass is a function graph -> graph.
class Graph {
 public:
  struct Update {
    VariablePtr variable;
    Value value;
  };

  Graph() = default;
  /// Throws Error when an input is not a placeholder or an output depends on an unlisted one.
  Graph(std::vector<Value> inputs, std::vector<Value> outputs, std::vector<Update> updates = {});

  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Value>& outputs() const { return outputs_; }
  const std::vector<Update>& updates() const { return updates_; }
  /// Every node that an output or an update needs, producers first; a fixed order.
  std::vector<const Node*> nodes() const;
  std::vector<VariablePtr> variables() const;

  /// One line per node: %3 = matmul(%1, %2) {transpose_b=True} : float32[batch,10]  # dense_1
  std::string print() const;
  std::string dot() const;

 private:
  std::vector<Value> inputs_, outputs_;
  std::vector<Update> updates_;
};

/// Producers first, inputs before the nodes that use them.
std::vector<const Node*> topological_order(const std::vector<Value>& roots);

/// Rebuilds graphs node by node. `rule` gets a node and its already rewritten inputs and returns
/// the values that replace its outputs, or an empty vector to keep the node (with the new inputs).
class Rewriter {
 public:
  using Rule = std::function<std::vector<Value>(const Node&, const std::vector<Value>& inputs)>;
  explicit Rewriter(Rule rule) : rule_(std::move(rule)) {}

  /// Inputs of the result are the rewritten placeholders.
  Graph operator()(const Graph& graph);
  Value operator()(const Value& value);
  /// Makes `from` mean `to` in everything that is rewritten after.
  void map(const Value& from, const Value& to) { done_[from] = to; }

 private:
  void visit(const std::vector<Value>& roots);

  Rule rule_;
  std::unordered_map<Value, Value, ValueHash> done_;
  std::vector<Value> keep_;  // holds rewritten sources alive: keys are addresses
};

/// The same node with other inputs (shape rules run again), the same node when nothing changed.
std::vector<Value> with_inputs(const Node& node, const std::vector<Value>& inputs);

/// Replaces symbols by sizes in placeholders and shape attributes; all shapes are inferred anew.
Graph bind_sizes(const Graph& graph, const std::map<std::string, int64_t>& sizes);

/// Calls a graph as a function: its placeholders become `arguments`. Updates are not carried over.
std::vector<Value> inline_graph(const Graph& graph, const std::vector<Value>& arguments);

}  // namespace andiron
