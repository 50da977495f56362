#pragma once

#include <string>
#include <vector>

#include "andiron/graph/variable.hpp"
#include "andiron/train/checkpoint_files.hpp"

namespace andiron::train {

/// A variable's place in checkpoints: "variable/0003/dense/kernel".
std::string variable_key(size_t i, const Variable& variable);

/// The checkpoint's values of these variables: those of the model, then those of the optimizer.
/// Throws Error, saying what differs, unless it has just these. `their_optimizer`, `optimizer`:
/// classes; the first is empty in checkpoints that do not say it.
std::vector<Tensor> values_of_same_model(const Checkpoint& checkpoint,
                                         const std::string& their_optimizer,
                                         const std::string& optimizer,
                                         const std::vector<VariablePtr>& variables);

}  // namespace andiron::train
