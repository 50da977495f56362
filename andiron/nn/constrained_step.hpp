#pragma once

#include <memory>

#include "andiron/nn/optimizers/optimizer.hpp"

/// The optimizer's step for a model's trainable variables, then their constraints.
namespace andiron::nn {

class Layer;

/// Optimizer::minimize of output 0.
Graph minimize(const Graph& forward, const Layer& model, Optimizer& optimizer,
               const std::shared_ptr<Exchange>& exchange);
/// Optimizer::minimize_accumulated of output 0.
AccumulatedStep minimize_accumulated(const Graph& forward, const Layer& model, Optimizer& optimizer,
                                     const std::shared_ptr<Exchange>& exchange);

}  // namespace andiron::nn
