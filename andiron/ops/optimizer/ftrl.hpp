#pragma once

#include "andiron/graph/schema.hpp"
#include "andiron/ops/optimizer/rule.hpp"

namespace andiron::ops {

/// Follow the regularized leader, proximal: McMahan et al. 2013, in Keras's form. Slots:
/// accumulator, linear. Note that a parameter whose gradient is zero from the start becomes zero:
/// the method knows parameters only through their gradients.
struct Ftrl {
  static constexpr const char* kName = "ftrl";
  static constexpr int kMinSlots = 2, kMaxSlots = 2;

  static std::vector<AttributeSpec> attributes();
  static const char* formula();
  static int n_slots(const Attributes&) { return 2; }
  static Replay replay(const Attributes& a) {
    const bool each = decays(a) || a.get<double>("l2_shrinkage_regularization_strength") != 0.0;
    return each ? Replay::all_always : Replay::last;
  }
  static StepScalars scalars(const Attributes& a, double learning_rate, int64_t) {
    const double ridge =
        2.0 * a.get<double>("l2_regularization_strength") + a.get<double>("beta") / learning_rate;
    return {static_cast<float>(learning_rate), decay_of(a, learning_rate),
            static_cast<float>(ridge)};
  }

  template <class T>
  struct Step {
    explicit Step(const Attributes& a)
        : l1(setting<T>(a, "l1_regularization_strength")),
          shrinkage(setting<T>(a, "l2_shrinkage_regularization_strength") * T(2.0F)),
          exponent(-a.get<double>("learning_rate_power")),
          decay(decays(a)) {}
    template <class U>
    explicit Step(const Step<U>& other)
        : l1(T(other.l1)),
          shrinkage(T(other.shrinkage)),
          exponent(other.exponent),
          decay(other.decay) {}
    T strength(const T& accumulator) const {
      if (exponent == 0.5) return root(accumulator);
      return raised(accumulator, T(static_cast<float>(exponent)));
    }
    void operator()(T& p, const T& g, T* slot, const T* k) const {
      if (decay) p = fused(-k[1], p, p);
      const T pull = fused(shrinkage, p, g);
      const T total = fused(g, g, slot[0]);
      const T after = strength(total);
      slot[1] = slot[1] + fused(-((after - strength(slot[0])) / k[0]), p, pull);
      slot[0] = total;
      const T clipped = smaller(larger(slot[1], -l1), l1);
      p = (clipped - slot[1]) / (after / k[0] + k[2]);
    }
    T l1, shrinkage;
    double exponent;
    bool decay;
  };
};

}  // namespace andiron::ops
