#pragma once

#include "andiron/graph/value.hpp"

namespace andiron::nn {

/// x where p = sigmoid(x), possibly reshaped after; undefined otherwise.
Value sigmoid_input(const Value& p);
/// x where p = softmax(x) over the last axis; undefined otherwise.
Value softmax_input(const Value& p);
/// Probabilities away from 0 and 1 by Keras's epsilon, 1e-7.
Value clipped(const Value& p);

}  // namespace andiron::nn
