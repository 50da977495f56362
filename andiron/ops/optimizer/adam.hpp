#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Kingma & Ba 2015 in Keras's form: epsilon stands outside of the bias correction. With
/// weight_decay it is AdamW (Loshchilov & Hutter 2019). Slots: momentum, velocity and, with
/// amsgrad, velocity_hat.
struct Adam {
  static constexpr const char* kName = "adam";
  static constexpr int kMinSlots = 2, kMaxSlots = 3;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes& a) { return a.get<bool>("amsgrad") ? 3 : 2; }
  static Replay replay(const Attributes& a) { return decays(a) ? Replay::all_always : Replay::all; }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t step) {
    const auto t = static_cast<double>(step);
    const double alpha = learning_rate * std::sqrt(1.0 - std::pow(a.get<double>("beta_2"), t)) /
                         (1.0 - std::pow(a.get<double>("beta_1"), t));
    return {static_cast<float>(alpha), decay_of(a, learning_rate)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : rest_1(rest_of<T>(a, "beta_1")),
          rest_2(rest_of<T>(a, "beta_2")),
          epsilon(setting<T>(a, "epsilon")),
          amsgrad(a.get<bool>("amsgrad")),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : rest_1(T(other.rest_1)),
          rest_2(T(other.rest_2)),
          epsilon(T(other.epsilon)),
          amsgrad(other.amsgrad),
          decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      slot[0] = fused(g - slot[0], rest_1, slot[0]);
      slot[1] = fused(fused(g, g, -slot[1]), rest_2, slot[1]);
      T velocity = slot[1];
      if (amsgrad) velocity = slot[2] = larger(slot[2], velocity);
      p = p - slot[0] * k[0] / (root(velocity) + epsilon);
    }
    T rest_1, rest_2, epsilon;
    bool amsgrad, decay;
  };
};

}  // namespace andiron::ops
