#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/io/onnx/errors.hpp"
#include "andiron/io/onnx/importer.hpp"
#include "andiron/io/onnx/proto.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"

/// What the mapping tables are written with: a node of a model at the time of its conversion.
namespace andiron::io::onnx {

class GraphImporter;

class Call {
 public:
  Call(GraphImporter& importer, const NodeProto& node, int64_t opset, std::vector<Value> inputs);

  const NodeProto& node() const { return node_; }
  int64_t opset() const { return opset_; }

  // Inputs; an optional one that is left out is undefined.
  size_t n() const { return inputs_.size(); }
  bool has(size_t i) const { return i < inputs_.size() && inputs_[i].defined(); }
  /// Throws Error when it is missing.
  const Value& in(size_t i) const;
  const std::vector<Value>& inputs() const { return inputs_; }
  size_t n_outputs() const { return node_.outputs.size(); }
  /// Whether somebody may read output i.
  bool wants(size_t i) const { return i < node_.outputs.size() && !node_.outputs[i].empty(); }

  // Attributes, with the default where the node has none.
  bool has_attribute(std::string_view name) const { return find(name) != nullptr; }
  int64_t i(std::string_view name, int64_t otherwise) const;
  double f(std::string_view name, double otherwise) const;
  std::string s(std::string_view name, std::string_view otherwise) const;
  std::vector<int64_t> ints(std::string_view name, std::vector<int64_t> otherwise = {}) const;
  std::vector<float> floats(std::string_view name) const;
  const AttributeProto* find(std::string_view name) const;
  Tensor tensor(std::string_view name) const;

  // Operands that the graph is built by: known now, or NeedsValue.
  Tensor constant(size_t i) const;
  std::vector<int64_t> numbers(size_t i) const;
  std::vector<double> reals(size_t i) const;
  double real(size_t i) const;
  /// Sizes, which may hold symbols (and -1, 0, as the operator says).
  Shape sizes(size_t i) const;
  /// Whether `constant(i)` would work.
  bool is_constant(size_t i) const;

  bool training() const;
  /// The counter of random draws.
  Value step() const;
  int64_t seed() const;
  /// A branch of If, with the names of the outer graph in sight.
  std::vector<Value> run_branch(std::string_view attribute) const;

  /// Throws Unsupported naming the operator.
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  GraphImporter& importer_;
  const NodeProto& node_;
  int64_t opset_;
  std::vector<Value> inputs_;
};

/// One line of a mapping table: how an operator is made of Andiron's, from an opset version on. The
/// line with the greatest version that the model's opset reaches counts.
struct Mapping {
  std::string_view op;
  int64_t since;
  std::vector<Value> (*convert)(const Call&);
};

std::span<const Mapping> elementwise_mappings();
std::span<const Mapping> logic_mappings();
std::span<const Mapping> activation_mappings();
std::span<const Mapping> reduction_mappings();
std::span<const Mapping> shape_mappings();
std::span<const Mapping> indexing_mappings();
std::span<const Mapping> matmul_mappings();
std::span<const Mapping> normalization_mappings();
std::span<const Mapping> loss_mappings();
std::span<const Mapping> quantization_mappings();
std::span<const Mapping> random_mappings();
std::span<const Mapping> vision_mappings();
std::span<const Mapping> attention_mappings();

/// Null when no table has it, or none for so old an opset.
const Mapping* find_mapping(std::string_view op, int64_t opset);

// Shared by the tables.

/// int64 [n] or a scalar.
Value constant_of(const std::vector<int64_t>& numbers);
Value scalar_of(double value, DType dtype);
Value zeros_like(const Value& x);
/// n, when lists of so many positions may be made at import; throws Error otherwise.
int64_t listed(int64_t n);
/// [0, n) as numbers of that dtype.
Value iota(int64_t n, DType dtype = DType::i64);
/// Indices that count from the end where they are negative.
Value wrapped_indices(const Value& indices, const Dim& size);
/// A dimension as a scalar, read when the sizes are known.
Value size_of_axis(const Value& x, size_t axis, DType dtype = DType::i64);
/// x with the axes in another order, `axis` last; and back.
Value move_axis_last(const Value& x, int64_t axis);
Value move_last_to(const Value& x, int64_t axis);
/// x[..., step] along an axis with constant positions.
Value take(const Value& x, const std::vector<int64_t>& positions, int64_t axis);

}  // namespace andiron::io::onnx
