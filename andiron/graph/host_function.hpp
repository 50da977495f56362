#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "andiron/graph/value.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron {

/// A function of the program around the engine, as a node of a graph: the way out where no
/// composition of ops does. Nobody looks into it: it is neither fused, folded nor saved.
struct HostFunction {
  /// Reads `src` and fills `dst`: dense tensors over the plan's own memory, valid during the call
  /// only. Runs on the thread that runs the plan, one call at a time, and may itself run plans.
  /// What it throws ends the run and reaches the caller of the plan.
  using Call = std::function<void(std::span<const Tensor> src, std::span<Tensor> dst)>;

  std::string name;                 ///< for people: errors, profiles
  std::vector<TensorType> outputs;  ///< may be symbolic
  Call call;
  /// From (inputs..., gradients of the floating point outputs...) to the gradients of the floating
  /// point inputs, which have their types. Empty: it cannot be differentiated.
  Call gradient = {};
  /// Row i of each output depends on row i of the inputs only: it may run tile by tile.
  bool rows = false;

  /// The same with sizes in place of symbols; null when it has none of them.
  std::shared_ptr<const HostFunction> bind(const std::map<std::string, int64_t>& sizes) const;
};

}  // namespace andiron
