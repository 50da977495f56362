#pragma once

#include <array>
#include <optional>

#include "andiron/exec/native/folds.hpp"
#include "andiron/exec/native/vector_ops.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron::exec {

/// How the bytecode computes the only output of an elementwise node.
struct VectorForm {
  VectorOp op = VectorOp::copy;
  std::array<float, 2> imm = {};
};

/// Nothing when the bytecode cannot: it computes in float32, so float64 and integer arithmetic are
/// not for it. bfloat16 is rounded after every operation, as the ops do when they run alone.
std::optional<VectorForm> vector_form(const Node& node);

/// How long the operation takes for an element, beside a sum of two; a rough guess.
int cost_of(VectorOp op);

/// The fold of a reduction node of float32 or bfloat16.
std::optional<Fold> fold_form(const Node& node);

}  // namespace andiron::exec
