#pragma once

#include "andiron/exec/native/float_vector.hpp"
#include "andiron/exec/native/folds.hpp"

/// Folds of floats by lanes. Only *_isa.cpp files include this header.
namespace andiron::exec::ANDIRON_ISA {

namespace {

template <Fold kFold>
constexpr bool kExtreme = kFold == Fold::max || kFold == Fold::min;

template <Fold kFold>
constexpr float kEmpty = kFold == Fold::sum       ? 0.0F
                         : kFold == Fold::product ? 1.0F
                         : kFold == Fold::max     ? -__builtin_inff()
                                                  : __builtin_inff();

/// Of vectors of GCC's kind; an extreme is b where one is NaN.
template <Fold kFold>
struct Folding {
  template <class V>
  V operator()(V a, V b) const {
    if constexpr (kFold == Fold::sum) return a + b;
    if constexpr (kFold == Fold::product) return a * b;
    if constexpr (kFold == Fold::max) return a > b ? a : b;
    return a < b ? a : b;
  }
};

template <Fold kFold>
inline FloatVector folded(FloatVector a, FloatVector b) {
  if constexpr (kFold == Fold::sum) return a + b;
  if constexpr (kFold == Fold::product) return a * b;
  if constexpr (kFold == Fold::max) return larger(a, b);
  return smaller(a, b);
}

/// One number that four vectors at a time are folded into; NaNs are noted beside the extremes,
/// since the instructions forget them.
template <Fold kFold>
class LaneFold {
 public:
  static constexpr int64_t kStep = 4 * FloatVector::kWidth;

  void four(FloatVector p, FloatVector q, FloatVector r, FloatVector s) {
    a_ = folded<kFold>(a_, p);
    b_ = folded<kFold>(b_, q);
    c_ = folded<kFold>(c_, r);
    d_ = folded<kFold>(d_, s);
    if constexpr (kExtreme<kFold>) nan_ = either(nan_, either(unordered(p, q), unordered(r, s)));
  }
  void one(FloatVector p) {
    a_ = folded<kFold>(a_, p);
    if constexpr (kExtreme<kFold>) nan_ = either(nan_, unordered(p, p));
  }
  /// All lanes, pairwise in double; products from the lanes on, since floats overflow early.
  double total() const {
    const Folding<kFold> f;
    if constexpr (kFold == Fold::product)
      return (a_.folded(f) * b_.folded(f)) * (c_.folded(f) * d_.folded(f));
    return folded<kFold>(folded<kFold>(a_, b_), folded<kFold>(c_, d_)).folded(f);
  }
  bool has_nan() const { return kExtreme<kFold> && nan_.bits() != 0; }

  /// All of n elements, from lane to lane.
  void take(const float* x, int64_t n) {
    constexpr int64_t kWidth = FloatVector::kWidth;
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep)
      four(FloatVector::load(x + i), FloatVector::load(x + i + kWidth),
           FloatVector::load(x + i + 2 * kWidth), FloatVector::load(x + i + 3 * kWidth));
    for (; i + kWidth <= n; i += kWidth) one(FloatVector::load(x + i));
    if (i < n) one(FloatVector::load(x + i, n - i, FloatVector(kEmpty<kFold>)));
  }

 private:
  FloatVector a_{kEmpty<kFold>}, b_ = a_, c_ = a_, d_ = a_;
  Lanes nan_;
};

/// The greatest of n floats, NaN if one of them is.
inline float max_of_row(const float* x, int64_t n) {
  LaneFold<Fold::max> fold;
  fold.take(x, n);
  if (fold.has_nan()) return __builtin_nanf("");
  return static_cast<float>(fold.total());
}

}  // namespace

}  // namespace andiron::exec::ANDIRON_ISA
