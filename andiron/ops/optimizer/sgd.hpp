#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Gradient descent, with momentum (one slot) and Nesterov's look-ahead on request; Keras's form.
struct Sgd {
  static constexpr const char* kName = "sgd";
  static constexpr int kMinSlots = 0, kMaxSlots = 1;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes& a) { return a.get<double>("momentum") != 0.0 ? 1 : 0; }
  static Replay replay(const Attributes& a) {
    if (decays(a)) return Replay::all_always;
    return n_slots(a) > 0 ? Replay::all : Replay::none;
  }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t) {
    return {static_cast<float>(learning_rate), decay_of(a, learning_rate)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : momentum(setting<T>(a, "momentum")),
          has_momentum(n_slots(a) > 0),
          nesterov(a.get<bool>("nesterov")),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : momentum(T(other.momentum)),
          has_momentum(other.has_momentum),
          nesterov(other.nesterov),
          decay(other.decay) {}
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      if (!has_momentum) {
        p = fused(-k[0], g, p);
        return;
      }
      const T move = -(k[0] * g);
      slot[0] = fused(momentum, slot[0], move);
      p = p + (nesterov ? fused(momentum, slot[0], move) : slot[0]);
    }
    T momentum;
    bool has_momentum, nesterov, decay;
  };
};

}  // namespace andiron::ops
