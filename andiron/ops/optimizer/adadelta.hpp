#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Zeiler 2012 in Keras's form: epsilon stands inside of both roots. Slots: accumulated_grad,
/// accumulated_delta_var.
struct Adadelta {
  static constexpr const char* kName = "adadelta";
  static constexpr int kMinSlots = 2, kMaxSlots = 2;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes&) { return 2; }
  static Replay replay(const Attributes& a) { return decays(a) ? Replay::all_always : Replay::all; }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t) {
    return {static_cast<float>(learning_rate), decay_of(a, learning_rate)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : rho(setting<T>(a, "rho")),
          rest(rest_of<T>(a, "rho")),
          epsilon(setting<T>(a, "epsilon")),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : rho(T(other.rho)), rest(T(other.rest)), epsilon(T(other.epsilon)), decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      slot[0] = fused(rho, slot[0], rest * (g * g));
      const T move = root(slot[1] + epsilon) * g / root(slot[0] + epsilon);
      slot[1] = fused(rho, slot[1], rest * (move * move));
      p = fused(-k[0], move, p);
    }
    T rho, rest, epsilon;
    bool decay;
  };
};

}  // namespace andiron::ops
