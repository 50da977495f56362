#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "andiron/graph/graph.hpp"

namespace andiron {

/// Which nodes of a graph that is to be quantized compute with bytes, and which of its values are
/// bytes: see passes/quantize.hpp.
class ByteValues {
 public:
  ByteValues(const Graph& graph, const std::vector<std::string>& float_layers);

  bool computes(const Node& node) const { return nodes_.count(&node) > 0; }
  bool is_byte(const Value& v) const { return bytes_.count(v) > 0; }
  /// In the order of the graph.
  const std::vector<Value>& values() const { return order_; }
  /// The value that stands for all that share v's range.
  Value leader(const Value& v) const;

 private:
  void join(const Value& a, const Value& b);

  std::unordered_set<const Node*> nodes_;
  std::unordered_set<Value, ValueHash> bytes_;
  std::vector<Value> order_;
  std::unordered_map<Value, Value, ValueHash> parent_;
};

/// conv, fused_conv, matmul and fused_matmul of constant weights and bias in float32.
bool is_weighted(const Node& node);
/// What gives back bytes that it got.
bool moves_bytes(const Node& node);
/// The sum over all spatial axes.
bool is_spatial_sum(const Node& node);

}  // namespace andiron
