#pragma once

#include <string>
#include <vector>

#include "andiron/graph/schema.hpp"
#include "andiron/graph/variable.hpp"

namespace andiron::nn {

/// What a composed rule sees of one parameter in one step.
struct ComposedStep {
  const Attributes& settings;
  const Variable& variable;
  Value parameter, gradient;  ///< of one dtype
  Value learning_rate, step;  ///< scalars of that dtype; step counts from 1
  std::vector<Value> slots;
};

/// An optimizer whose step needs more of a parameter than one element (norms, means over rows,
/// products). It is composed of ordinary ops, so it is no op itself, and tables move as a whole.
struct ComposedRule {
  struct Slot {
    std::string name;
    Sizes sizes;
  };
  std::vector<AttributeSpec> attributes;  ///< "weight_decay" is among them
  /// Throws Error, naming the optimizer, unless the settings make sense.
  void (*check)(const Attributes& settings, std::string_view optimizer);
  std::vector<Slot> (*slots)(const Attributes& settings, const Variable& variable);
  /// The new parameter, then the new slots.
  std::vector<Value> (*step)(const ComposedStep& s);
};

const ComposedRule& adafactor_rule();
const ComposedRule& lamb_rule();
const ComposedRule& lars_rule();
const ComposedRule& muon_rule();

}  // namespace andiron::nn
