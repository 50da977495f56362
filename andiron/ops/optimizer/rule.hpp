#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "andiron/graph/attributes.hpp"

/// What an optimizer's rule is made of.
///
/// A rule says what one step does to one element. It is written once, for a T that is float, double
/// or a vector of floats (exec/native/simd.hpp), and used by the reference kernels, the dense
/// sweep, the update of touched rows and the replay of missed steps. All of these give the same
/// bits: every multiply-add is an explicit `fused`, and no other product is added to anything, so a
/// compiler has no choice left.
///
///   struct Rule {
///     static constexpr const char* kName;          "adam"
///     static constexpr int kMinSlots, kMaxSlots;
///     static std::vector<AttributeSpec> attributes();
///     static int n_slots(const Attributes&);
///     static Replay replay(const Attributes&);
///     static StepScalars scalars(const Attributes&, double learning_rate, int64_t step);
///     template <class T> struct Step {
///       explicit Step(const Attributes&);
///       void operator()(T& p, const T& g, T* slot, const T* k) const;   k: the step's scalars
///     };
///   };
namespace andiron::ops {

inline constexpr int kStepScalars = 4;
/// What a rule needs to know of a step besides gradients, as it goes into the history.
using StepScalars = std::array<float, kStepScalars>;

/// What steps with gradient zero do to an element, which decides how missed steps are replayed.
enum class Replay {
  none,       ///< nothing: lazy and exact are the same
  last,       ///< the last one alone gives what all of them give
  all,        ///< each moves it, except elements never touched, whose slots are zero
  all_always  ///< each moves it, also those never touched (weight decay)
};

inline float fused(float a, float b, float c) { return std::fma(a, b, c); }
inline double fused(double a, double b, double c) { return std::fma(a, b, c); }
inline float root(float x) { return std::sqrt(x); }
inline double root(double x) { return std::sqrt(x); }
// As the vector instructions do it: b where one of them is NaN.
inline float larger(float a, float b) { return a > b ? a : b; }
inline double larger(double a, double b) { return a > b ? a : b; }
inline float smaller(float a, float b) { return a < b ? a : b; }
inline double smaller(double a, double b) { return a < b ? a : b; }
/// positive where x > 0, negative where x < 0, otherwise where it is 0 or NaN.
inline float by_sign(float x, float positive, float negative, float otherwise) {
  return x > 0.0F ? positive : x < 0.0F ? negative : otherwise;
}
inline double by_sign(double x, double positive, double negative, double otherwise) {
  return x > 0.0 ? positive : x < 0.0 ? negative : otherwise;
}
inline float raised(float x, float exponent) { return std::pow(x, exponent); }
inline double raised(double x, double exponent) { return std::pow(x, exponent); }

/// An attribute as T. Rules read doubles only; T(float) broadcasts to a vector.
template <class T>
T setting(const Attributes& attributes, const char* name) {
  if constexpr (std::is_same_v<T, double>) return attributes.get<double>(name);
  return T(static_cast<float>(attributes.get<double>(name)));
}
/// 1 - the attribute, rounded once.
template <class T>
T rest_of(const Attributes& attributes, const char* name) {
  if constexpr (std::is_same_v<T, double>) return 1.0 - attributes.get<double>(name);
  return T(static_cast<float>(1.0 - attributes.get<double>(name)));
}

/// 1 or -1; x itself where it is 0 or NaN.
template <class T>
T sign_of(const T& x) {
  return by_sign(x, T(1.0F), T(-1.0F), x);
}
template <class T>
T magnitude(const T& x) {
  return by_sign(x, x, -x, x);
}

inline bool decays(const Attributes& attributes) {
  return attributes.get<double>("weight_decay") != 0.0;
}
inline float decay_of(const Attributes& attributes, double learning_rate) {
  return static_cast<float>(attributes.get<double>("weight_decay") * learning_rate);
}

}  // namespace andiron::ops
