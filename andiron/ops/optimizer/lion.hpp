#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Chen et al. 2023 (evolved sign momentum). Slot: momentum.
struct Lion {
  static constexpr const char* kName = "lion";
  static constexpr int kMinSlots = 1, kMaxSlots = 1;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes&) { return 1; }
  static Replay replay(const Attributes& a) { return decays(a) ? Replay::all_always : Replay::all; }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t) {
    return {static_cast<float>(learning_rate), decay_of(a, learning_rate)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : beta_1(setting<T>(a, "beta_1")),
          rest_1(rest_of<T>(a, "beta_1")),
          beta_2(setting<T>(a, "beta_2")),
          rest_2(rest_of<T>(a, "beta_2")),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : beta_1(T(other.beta_1)),
          rest_1(T(other.rest_1)),
          beta_2(T(other.beta_2)),
          rest_2(T(other.rest_2)),
          decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      p = fused(-k[0], sign_of(fused(beta_1, slot[0], rest_1 * g)), p);
      slot[0] = fused(beta_2, slot[0], rest_2 * g);
    }
    T beta_1, rest_1, beta_2, rest_2;
    bool decay;
  };
};

}  // namespace andiron::ops
