#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "andiron/graph/variable.hpp"

namespace andiron::nn {

struct Batch;

/// Steps that the program takes itself, in place of a compiled model's own: several losses and
/// optimizers in turn, for instance. What they throw ends the training.
struct OwnSteps {
  using Figures = std::vector<std::pair<std::string, double>>;
  /// Returns figures of the batch, means over its rows. One named "loss" is what is looked at for
  /// NaN and comes first in logs; without one it is the sum of those whose names end in "loss".
  std::function<Figures(const Batch&)> train;
  std::function<Figures(const Batch&)> test;  ///< may be empty
  /// What training changes beside the model's variables: slots and counters of optimizers.
  std::function<std::vector<VariablePtr>()> state;
  /// Optimizers with use_ema put their averages into the variables, at the end of a fit; may be
  /// empty.
  std::function<void()> take_averages = {};
};

}  // namespace andiron::nn
