#pragma once

#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron {

/// weights = scales[o] * bytes along axis `axis_of_outputs`.
struct QuantizedWeights {
  Tensor bytes;
  std::vector<double> scales;
  std::vector<int64_t> sums;  ///< of each output's bytes
};

/// Weights [O, C, kernel...] (outputs 0) or [K, O] (outputs 1) in float32, dense. Each output has
/// the finest scale with which no byte is beyond 127, and no two neighbouring inputs (0 and 1, 2
/// and 3,
/// ...) have weights of one sign that add up to more than 128: CPUs without VNNI add such products
/// in 16 bits (255 * 128 < 2^15). That costs a fraction of a bit where others give up a whole one.
QuantizedWeights quantize_weights(const Tensor& weights, int64_t axis_of_outputs);

}  // namespace andiron
