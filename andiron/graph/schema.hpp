#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "andiron/graph/attributes.hpp"
#include "andiron/graph/value.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron {

/// What a node of an op does along the batch, axis 0. The tiling pass asks for it (see
/// passes/tile.hpp): it runs row-wise subgraphs tile by tile and adds up partial sums.
enum class BatchKind {
  fixed,        ///< does not depend on the batch
  rows,         ///< row i depends on row i of the inputs only; axis 0 is a multiple of the batch
  partial_sum,  ///< the sum over tiles of the node's results is its result
  blocked       ///< needs the whole batch at once
};

/// The declared inputs of an op.
struct InputSpec {
  std::string name;
  std::string doc = {};
  bool optional = false;
  bool variadic = false;  ///< the last input may repeat
};

/// An attribute with the only default that exists for it. A monostate default means "required".
struct AttributeSpec {
  std::string name;
  Attribute default_value = {};
  std::string doc = {};
  /// For required attributes: an example that shows the type.
  Attribute type_example = {};
};

struct InferContext {
  std::span<const Value> inputs;
  const Attributes& attributes;
  std::string_view op;

  const TensorType& in(size_t i) const { return inputs[i].type(); }
  const Shape& shape(size_t i) const { return inputs[i].type().shape; }
  size_t n() const { return inputs.size(); }
  template <class T>
  const T& attr(std::string_view name) const {
    return attributes.get<T>(name);
  }
};

/// What a gradient rule sees: the forward node's inputs, outputs and the gradients of its outputs
/// (an undefined Value where no gradient arrives).
struct GradContext {
  const Node& node;
  std::span<const Value> outputs;
  std::span<const Value> grads;

  const Value& in(size_t i) const;
  const Value& out(size_t i = 0) const { return outputs[i]; }
  const Value& grad(size_t i = 0) const { return grads[i]; }
  template <class T>
  const T& attr(std::string_view name) const {
    return node.attributes.get<T>(name);
  }
};

/// What a reference kernel sees: dense tensors; outputs are allocated, uninitialised.
struct ReferenceContext {
  std::span<const Tensor> src;
  std::span<Tensor> dst;
  const Attributes& attributes;
  /// Index of the first row within the batch, when a tile of rows is computed (random ops).
  int64_t first_row = 0;

  template <class T>
  const T& attr(std::string_view name) const {
    return attributes.get<T>(name);
  }
};

/// One example of use, as data: the catalog test runs each in every way (see ops/catalog_test.cpp).
struct Case {
  /// "f32[2,3]"; a range [low, high) after '@' bounds random values: "f32[2,3]@0.1:2",
  /// "i32[4]@0:9".
  std::vector<std::string> inputs;
  Attributes attributes = {};
  bool check_gradient = true;
};

struct Traits {
  bool elementwise = false;  ///< out[i] depends on the inputs' element i only (after broadcasting)
  bool commutative = false;
  bool view = false;      ///< the output is the input's memory under another shape
  bool stateful = false;  ///< equal inputs need not give equal outputs: no CSE, no folding
  bool serial = false;    ///< runs must not overlap, nor leave the thread that runs the plan
  bool late = false;      ///< waits for others: plans run what does not depend on it before
  /// Takes its inputs' values for true, as places in memory (what dedup made, an optimizer's step):
  /// passes and optimizers make such nodes, and no file may hold one.
  bool trusting = false;
  /// Output i may take the memory of input inplace[i] (-1: none); updates need it.
  std::vector<int> inplace = {};
  /// Instead of `inplace` where it depends on the node.
  int (*inplace_of)(const Node&, int output) = nullptr;
};

struct Op {
  std::string name;
  std::string summary = {};
  std::string formula = {};
  std::string reference_source = {};  ///< paper or standard
  std::vector<InputSpec> inputs = {};
  std::vector<std::string> outputs = {"dst"};
  std::vector<AttributeSpec> attributes = {};

  std::vector<TensorType> (*infer)(const InferContext&) = nullptr;
  /// One gradient per input (undefined: none). Null when not differentiable.
  std::vector<Value> (*gradient)(const GradContext&) = nullptr;
  std::string why_not_differentiable = {};
  void (*reference)(const ReferenceContext&) = nullptr;
  /// Behaviour along the batch given that of the inputs, at least one of which is not fixed.
  /// Null: derived from `elementwise`, otherwise blocked.
  BatchKind (*batch)(const Node&, std::span<const BatchKind>) = nullptr;
  /// Floating point operations of one execution; null: one per output element.
  double (*flops)(const Node&) = nullptr;

  Traits traits = {};
  std::vector<Case> cases = {};
};

}  // namespace andiron
