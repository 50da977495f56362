#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Riedmiller & Braun 1993 in PyTorch's form: where the gradient's sign changes, the element waits
/// a step. Slots: gradient (the last one), step_size. The learning rate is only the first step
/// size.
struct Rprop {
  static constexpr const char* kName = "rprop";
  static constexpr int kMinSlots = 2, kMaxSlots = 2;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes&) { return 2; }
  static Replay replay(const Attributes& a) {
    return decays(a) ? Replay::all_always : Replay::last;
  }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t) {
    return {static_cast<float>(learning_rate), decay_of(a, learning_rate)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : eta_minus(setting<T>(a, "eta_minus")),
          eta_plus(setting<T>(a, "eta_plus")),
          step_min(setting<T>(a, "step_min")),
          step_max(setting<T>(a, "step_max")),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : eta_minus(T(other.eta_minus)),
          eta_plus(T(other.eta_plus)),
          step_min(T(other.step_min)),
          step_max(T(other.step_max)),
          decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      const T same = g * slot[0], one = T(1.0F), zero = T(0.0F);
      slot[1] =
          smaller(larger(slot[1] * by_sign(same, eta_plus, eta_minus, one), step_min), step_max);
      slot[0] = by_sign(same, g, zero, g);
      p = fused(-slot[1], sign_of(slot[0]), p);
    }
    T eta_minus, eta_plus, step_min, step_max;
    bool decay;
  };
};

}  // namespace andiron::ops
