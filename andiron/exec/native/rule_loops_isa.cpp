#include "andiron/exec/native/float_vector.hpp"
#include "andiron/exec/native/rule_loops.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int kW = FloatVector::kWidth;

// The elements at `at` in registers; the last vector of a run may be short.
template <int S>
struct Registers {
  FloatVector p;
  FloatVector slot[3];  // S of them are used

  Registers(const RuleRun& run, int64_t at) {
    const int64_t n = run.n - at;
    p = n >= kW ? FloatVector::load(run.p + at) : FloatVector::load(run.p + at, n);
    for (int s = 0; s < S; ++s)
      slot[s] =
          n >= kW ? FloatVector::load(run.slot[s] + at) : FloatVector::load(run.slot[s] + at, n);
  }
  void store(const RuleRun& run, int64_t at) const {
    const int64_t n = run.n - at;
    if (n >= kW) {
      p.store(run.p + at);
      for (int s = 0; s < S; ++s) slot[s].store(run.slot[s] + at);
    } else {
      p.store(run.p + at, n);
      for (int s = 0; s < S; ++s) slot[s].store(run.slot[s] + at, n);
    }
  }
};

template <class Step, int S>
void step_run(const Step& rule, const RuleRun& run, const float* g, const float* scalars) {
  FloatVector k[ops::kStepScalars];
  for (int j = 0; j < ops::kStepScalars; ++j) k[j] = FloatVector(scalars[j]);
  for (int64_t at = 0; at < run.n; at += kW) {
    Registers<S> r(run, at);
    const int64_t n = run.n - at;
    const FloatVector grad = n >= kW ? FloatVector::load(g + at) : FloatVector::load(g + at, n);
    rule(r.p, grad, r.slot, k);
    r.store(run, at);
  }
}

template <class Step, int S>
void replay_run(const Step& rule, const RuleRun& run, const ReplayedSteps& steps) {
  const FloatVector zero(0.0F);
  const int64_t n_steps = steps.last - steps.first + 1;
  const int64_t begin = (steps.first - 1) % steps.length;
  for (int64_t at = 0; at < run.n; at += kW) {
    Registers<S> r(run, at);
    int64_t row = begin;
    for (int64_t i = 0; i < n_steps; ++i) {
      const float* scalars = steps.history + row * ops::kStepScalars;
      FloatVector k[ops::kStepScalars];
      for (int j = 0; j < ops::kStepScalars; ++j) k[j] = FloatVector(scalars[j]);
      rule(r.p, zero, r.slot, k);
      if (++row == steps.length) row = 0;
    }
    r.store(run, at);
  }
}

template <class R>
struct Loops {
  using Rule = typename R::template Step<float>;
  using VectorRule = typename R::template Step<FloatVector>;

  // S: the number of slots, from the rule's least on.
  template <int S = R::kMinSlots>
  static void step(const Rule& rule, int n_slots, const RuleRun& run, const float* g,
                   const float* k) {
    if constexpr (S < R::kMaxSlots)
      if (n_slots != S) return step<S + 1>(rule, n_slots, run, g, k);
    step_run<VectorRule, S>(VectorRule(rule), run, g, k);
  }
  template <int S = R::kMinSlots>
  static void replay(const Rule& rule, int n_slots, const RuleRun& run,
                     const ReplayedSteps& steps) {
    if constexpr (S < R::kMaxSlots)
      if (n_slots != S) return replay<S + 1>(rule, n_slots, run, steps);
    replay_run<VectorRule, S>(VectorRule(rule), run, steps);
  }
};

template <class R>
constexpr RuleLoops<R> loops_of() {
  return {Loops<R>::template step<>, Loops<R>::template replay<>};
}

}  // namespace

extern const RuleLoops<ops::Adadelta> kAdadeltaLoops = loops_of<ops::Adadelta>();
extern const RuleLoops<ops::Adagrad> kAdagradLoops = loops_of<ops::Adagrad>();
extern const RuleLoops<ops::Adam> kAdamLoops = loops_of<ops::Adam>();
extern const RuleLoops<ops::Adamax> kAdamaxLoops = loops_of<ops::Adamax>();
extern const RuleLoops<ops::Ftrl> kFtrlLoops = loops_of<ops::Ftrl>();
extern const RuleLoops<ops::Lion> kLionLoops = loops_of<ops::Lion>();
extern const RuleLoops<ops::Nadam> kNadamLoops = loops_of<ops::Nadam>();
extern const RuleLoops<ops::RmsProp> kRmsPropLoops = loops_of<ops::RmsProp>();
extern const RuleLoops<ops::Rprop> kRpropLoops = loops_of<ops::Rprop>();
extern const RuleLoops<ops::Sgd> kSgdLoops = loops_of<ops::Sgd>();

}  // namespace andiron::exec::ANDIRON_ISA
