#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Tieleman & Hinton 2012 in Keras's form: epsilon stands inside of the root. Slots: velocity,
/// then average_gradient when centered, then momentum when there is any.
struct RmsProp {
  static constexpr const char* kName = "rmsprop";
  static constexpr int kMinSlots = 1, kMaxSlots = 3;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes& a) {
    return 1 + (a.get<bool>("centered") ? 1 : 0) + (a.get<double>("momentum") != 0.0 ? 1 : 0);
  }
  static Replay replay(const Attributes& a) { return decays(a) ? Replay::all_always : Replay::all; }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t) {
    return {static_cast<float>(learning_rate), decay_of(a, learning_rate)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : rho(setting<T>(a, "rho")),
          rest(rest_of<T>(a, "rho")),
          momentum(setting<T>(a, "momentum")),
          epsilon(setting<T>(a, "epsilon")),
          centered(a.get<bool>("centered")),
          has_momentum(a.get<double>("momentum") != 0.0),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : rho(T(other.rho)),
          rest(T(other.rest)),
          momentum(T(other.momentum)),
          epsilon(T(other.epsilon)),
          centered(other.centered),
          has_momentum(other.has_momentum),
          decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      slot[0] = fused(rho, slot[0], rest * (g * g));
      T spread = slot[0];
      if (centered) {
        slot[1] = fused(rho, slot[1], rest * g);
        spread = fused(-slot[1], slot[1], spread);
      }
      T move = k[0] * g / root(spread + epsilon);
      if (has_momentum) {
        T& velocity = slot[centered ? 2 : 1];
        velocity = fused(momentum, velocity, move);
        move = velocity;
      }
      p = p - move;
    }
    T rho, rest, momentum, epsilon;
    bool centered, has_momentum, decay;
  };
};

}  // namespace andiron::ops
