#pragma once

#include <cstdint>

#include "andiron/exec/native/isa.hpp"
#include "andiron/ops/optimizer/rules.hpp"

/// The inner loops of optimizers: one step over a run of elements, and the replay of missed steps.
namespace andiron::exec {

/// A parameter's elements [0, n) with its slots, changed in place.
struct RuleRun {
  float* p;
  float* slot[3];
  int64_t n;
};

/// Steps [first, last] of a history of `length` steps, 4 scalars each, step s in row (s - 1) mod
/// length.
struct ReplayedSteps {
  const float* history;
  int64_t length, first, last;
};

template <class R>
struct RuleLoops {
  using Rule = typename R::template Step<float>;
  /// One step with gradients g and the step's scalars k.
  void (*step)(const Rule& rule, int n_slots, const RuleRun& run, const float* g, const float* k);
  /// Steps with gradient zero, the elements in registers.
  void (*replay)(const Rule& rule, int n_slots, const RuleRun& run, const ReplayedSteps& steps);
};

template <class R>
struct RuleLoopsOf;  ///< get(isa): the loops of a rule

#define ANDIRON_RULE_LOOPS(R, name)                          \
  namespace avx2 {                                           \
  extern const RuleLoops<ops::R> name;                       \
  }                                                          \
  namespace avx512 {                                         \
  extern const RuleLoops<ops::R> name;                       \
  }                                                          \
  template <>                                                \
  struct RuleLoopsOf<ops::R> {                               \
    static const RuleLoops<ops::R>& get(Isa isa) {           \
      return isa == Isa::avx512 ? avx512::name : avx2::name; \
    }                                                        \
  };
ANDIRON_RULE_LOOPS(Adadelta, kAdadeltaLoops)
ANDIRON_RULE_LOOPS(Adagrad, kAdagradLoops)
ANDIRON_RULE_LOOPS(Adam, kAdamLoops)
ANDIRON_RULE_LOOPS(Adamax, kAdamaxLoops)
ANDIRON_RULE_LOOPS(Ftrl, kFtrlLoops)
ANDIRON_RULE_LOOPS(Lion, kLionLoops)
ANDIRON_RULE_LOOPS(Nadam, kNadamLoops)
ANDIRON_RULE_LOOPS(RmsProp, kRmsPropLoops)
ANDIRON_RULE_LOOPS(Rprop, kRpropLoops)
ANDIRON_RULE_LOOPS(Sgd, kSgdLoops)
#undef ANDIRON_RULE_LOOPS

}  // namespace andiron::exec
