#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace andiron::linear {

/// What a linear classifier minimises, of scores z = W x + b.
enum class Loss : uint8_t {
  softmax,        ///< -log softmax(z)[label]: multinomial logistic regression
  sigmoid,        ///< sum over classes of log(1 + e^z) - y z: one against the rest, each by itself
  squared_hinge,  ///< sum over classes of max(0, 1 - t z)^2, t = 2y - 1: support vectors
};

std::string_view name_of(Loss loss);
/// Throws Error for other names.
Loss loss_from(const std::string& name);

}  // namespace andiron::linear
