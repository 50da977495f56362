#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Duchi, Hazan & Singer 2011 in Keras's form: epsilon stands inside of the root. Slot:
/// accumulator.
struct Adagrad {
  static constexpr const char* kName = "adagrad";
  static constexpr int kMinSlots = 1, kMaxSlots = 1;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes&) { return 1; }
  static Replay replay(const Attributes& a) {
    return decays(a) ? Replay::all_always : Replay::none;
  }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t) {
    return {static_cast<float>(learning_rate), decay_of(a, learning_rate)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a) : epsilon(setting<T>(a, "epsilon")), decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other) : epsilon(T(other.epsilon)), decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      slot[0] = fused(g, g, slot[0]);
      p = p - k[0] * g / root(slot[0] + epsilon);
    }
    T epsilon;
    bool decay;
  };
};

}  // namespace andiron::ops
