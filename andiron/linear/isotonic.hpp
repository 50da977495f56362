#pragma once

#include <span>
#include <vector>

namespace andiron::linear {

/// The non-decreasing sequence nearest to `values`: the least sum of weights · squared differences.
/// Weights are positive. Pool adjacent violators (Ayer et al. 1955), in one sweep.
std::vector<double> non_decreasing(std::span<const double> values, std::span<const double> weights);

}  // namespace andiron::linear
