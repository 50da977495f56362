#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "andiron/graph/attributes.hpp"
#include "andiron/tensor/dtype.hpp"
#include "andiron/tensor/shape.hpp"

namespace andiron {

struct Op;
struct Node;

struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  friend bool operator==(const TensorType&, const TensorType&) = default;
};
std::string str(const TensorType& type);  ///< "float32[batch,10]"

/// An immutable result of a computation that has not run: one output of a node. Cheap to copy.
class Value {
 public:
  Value() = default;
  Value(std::shared_ptr<const Node> node, int index) : node_(std::move(node)), index_(index) {}

  bool defined() const { return node_ != nullptr; }
  const Node& node() const { return *node_; }
  const std::shared_ptr<const Node>& node_ptr() const { return node_; }
  int index() const { return index_; }
  const TensorType& type() const;
  const Shape& shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  int64_t rank() const { return shape().rank(); }

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::shared_ptr<const Node> node_;
  int index_ = 0;
};

struct ValueHash {
  size_t operator()(const Value& v) const {
    return std::hash<const void*>()(v.defined() ? &v.node() : nullptr) * 31 +
           static_cast<size_t>(v.index());
  }
};

struct Node : std::enable_shared_from_this<Node> {
  const Op* op = nullptr;
  Attributes attributes;
  std::vector<Value> inputs;  ///< an undefined Value where an optional input is left out
  std::vector<TensorType> outputs;
  std::string name;  ///< for people: the layer it came from; may be empty

  ~Node();
  bool is(std::string_view op_name) const;
  template <class T>
  const T& attr(std::string_view attribute) const {
    return attributes.get<T>(attribute);
  }
};

/// The input whose memory an output may take over by the op's contract, or -1.
int inplace_input(const Node& node, int output);

/// Makes a node: fills in defaults, checks the number of inputs and the attributes' types, infers
/// the output types. Throws Error naming the op, the rule and what came.
std::vector<Value> make_node(const Op& op, std::vector<Value> inputs, Attributes attributes = {});
/// The same for ops with one output.
Value make_value(const Op& op, std::vector<Value> inputs, Attributes attributes = {});

/// Names given to nodes made on this thread while it lives: "dense_1".
class NameScope {
 public:
  explicit NameScope(std::string name);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;
  static const std::string& current();

 private:
  std::string previous_;
};

// Leaves of every graph.

/// A placeholder that a plan receives at run time.
Value input(std::string name, DType dtype, Shape shape);
Value constant(Tensor tensor);
/// A scalar constant of rank 0.
Value constant(double value, DType dtype = DType::f32);
/// The current value of a variable.
Value read(const VariablePtr& variable);

extern const Op kInputOp;
extern const Op kConstantOp;
extern const Op kVariableOp;

}  // namespace andiron
