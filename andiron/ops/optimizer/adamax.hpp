#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Kingma & Ba 2015, section 7.1, in Keras's form. Slots: momentum, norm.
struct Adamax {
  static constexpr const char* kName = "adamax";
  static constexpr int kMinSlots = 2, kMaxSlots = 2;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes&) { return 2; }
  static Replay replay(const Attributes& a) { return decays(a) ? Replay::all_always : Replay::all; }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t step) {
    const double rest = 1.0 - std::pow(a.get<double>("beta_1"), static_cast<double>(step));
    return {static_cast<float>(learning_rate / rest), decay_of(a, learning_rate)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : rest_1(rest_of<T>(a, "beta_1")),
          beta_2(setting<T>(a, "beta_2")),
          epsilon(setting<T>(a, "epsilon")),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : rest_1(T(other.rest_1)),
          beta_2(T(other.beta_2)),
          epsilon(T(other.epsilon)),
          decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      slot[0] = fused(g - slot[0], rest_1, slot[0]);
      slot[1] = larger(beta_2 * slot[1], magnitude(g));
      p = p - k[0] * slot[0] / (slot[1] + epsilon);
    }
    T rest_1, beta_2, epsilon;
    bool decay;
  };
};

}  // namespace andiron::ops
