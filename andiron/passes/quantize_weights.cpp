#include "andiron/passes/quantize_weights.hpp"

#include <algorithm>
#include <cmath>

namespace andiron {

namespace {

constexpr double kMost = 127;

// Where weight (output, input, tap) lies.
struct Places {
  Places(const Tensor& w, int64_t axis_of_outputs) {
    outputs = w.size(axis_of_outputs);
    inputs = w.size(1 - axis_of_outputs);
    taps = outputs * inputs == 0 ? 0 : w.count() / outputs / inputs;
    output_step = axis_of_outputs == 0 ? inputs * taps : 1;
    input_step = axis_of_outputs == 0 ? taps : outputs;
  }
  int64_t operator()(int64_t o, int64_t i, int64_t t) const {
    return o * output_step + i * input_step + t;
  }
  int64_t outputs, inputs, taps, output_step, input_step;
};

// The greatest weight, or sum of two neighbours of one sign.
double greatest(const float* w, const Places& at, int64_t o) {
  double most = 0;
  for (int64_t i = 0; i < at.inputs; i += 2)
    for (int64_t t = 0; t < at.taps; ++t) {
      const double a = w[at(o, i, t)], b = i + 1 < at.inputs ? w[at(o, i + 1, t)] : 0.0F;
      most = std::max({most, std::abs(a), std::abs(b), a * b > 0 ? std::abs(a + b) : 0.0});
    }
  return most;
}

}  // namespace

QuantizedWeights quantize_weights(const Tensor& weights, int64_t axis_of_outputs) {
  const Places at(weights, axis_of_outputs);
  const float* w = weights.data<float>();
  QuantizedWeights out;
  out.bytes = Tensor(DType::i8, weights.sizes());
  auto* bytes = out.bytes.data<int8_t>();
  for (int64_t o = 0; o < at.outputs; ++o) {
    const double most = greatest(w, at, o);
    // Two roundings may add a half each: 127 + 1 is 128.
    const double scale = most > 0 ? most / kMost : 1.0;
    int64_t sum = 0;
    for (int64_t i = 0; i < at.inputs; ++i)
      for (int64_t t = 0; t < at.taps; ++t) {
        const double q = std::clamp(std::nearbyint(w[at(o, i, t)] / scale), -kMost, kMost);
        bytes[at(o, i, t)] = static_cast<int8_t>(q);
        sum += static_cast<int64_t>(q);
      }
    out.scales.push_back(scale);
    out.sums.push_back(sum);
  }
  return out;
}

}  // namespace andiron
