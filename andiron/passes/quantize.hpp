#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "andiron/graph/graph.hpp"

namespace andiron {

/// The least and the greatest number that a value of the graph takes.
struct RealRange {
  double low = 0, high = 0;
};
using RealRanges = std::unordered_map<Value, RealRange, ValueHash>;

/// A frozen graph as `quantize` wants it: products take their bias and activation in, divisors of
/// means are numbers.
Graph prepare_to_quantize(const Graph& frozen);

/// Which values of a prepared graph `quantize` would represent by bytes: what convolutions,
/// products with constant matrices and lrn read, and what moves between them (concat, max_pool,
/// reshape ...). Calibration finds their ranges. `float_layers`: names of layers that stay in
/// float32.
std::vector<Value> values_to_quantize(const Graph& prepared,
                                      const std::vector<std::string>& float_layers = {});

/// The graph in bytes (uint8 with a zero point for values, int8 with a scale for each filter for
/// weights), quantize and dequantize standing where bytes and real numbers meet. `ranges` has those
/// of `values_to_quantize`. What moves values shares one range with what it moves, so that nothing
/// is requantized on the way. Weights are as fine as they can be when two products must add up
/// within 16 bits, which makes sums exact, and the result the same, on every CPU.
Graph quantize(const Graph& prepared, const RealRanges& ranges,
               const std::vector<std::string>& float_layers = {});

}  // namespace andiron
