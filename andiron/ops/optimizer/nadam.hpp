#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Dozat 2016 in Keras's form: Adam with Nesterov's momentum, whose decay rises with the steps.
/// Slots: momentum, velocity.
struct Nadam {
  static constexpr const char* kName = "nadam";
  static constexpr int kMinSlots = 2, kMaxSlots = 2;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes&) { return 2; }
  static Replay replay(const Attributes& a) { return decays(a) ? Replay::all_always : Replay::all; }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t step);

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : rest_1(rest_of<T>(a, "beta_1")),
          rest_2(rest_of<T>(a, "beta_2")),
          epsilon(setting<T>(a, "epsilon")),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : rest_1(T(other.rest_1)),
          rest_2(T(other.rest_2)),
          epsilon(T(other.epsilon)),
          decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      slot[0] = fused(g - slot[0], rest_1, slot[0]);
      slot[1] = fused(fused(g, g, -slot[1]), rest_2, slot[1]);
      p = p - fused(k[0], slot[0], k[2] * g) / (root(slot[1] * k[3]) + epsilon);
    }
    T rest_1, rest_2, epsilon;
    bool decay;
  };
};

}  // namespace andiron::ops
