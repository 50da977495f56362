#include "andiron/nn/masks.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace andiron::nn {

namespace {

using List = std::vector<std::pair<Value, Value>>;
thread_local std::optional<List> current;

// Layers whose step i depends on step i of the input only, as Keras's `supports_masking` has them.
// (Keras's BatchNormalization takes a mask for its moments, too; here masks end at it.)
constexpr std::string_view kKeepMasks[] = {
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "Dense",
    "Dropout",
    "ELU",
    "EinsumDense",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Highway",
    "Identity",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "RMSNormalization",
    "Rescaling",
    "SpatialDropout1D",
    "TimeDistributed",
    "UnitNormalization",
};

}  // namespace

Masks::Scope::Scope() : outermost_(!current.has_value()) {
  if (outermost_) current.emplace();
}
Masks::Scope::~Scope() {
  if (outermost_) current.reset();
}

Value Masks::of(const Value& x) {
  if (!current) return {};
  for (const auto& [value, mask] : *current)
    if (value == x) return mask;
  return {};
}

void Masks::set(const Value& x, const Value& mask) {
  if (current && mask.defined()) current->emplace_back(x, mask);
}

bool keeps_mask(std::string_view class_name) {
  return std::find(std::begin(kKeepMasks), std::end(kKeepMasks), class_name) !=
         std::end(kKeepMasks);
}

}  // namespace andiron::nn
