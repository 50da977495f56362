#pragma once

#include "andiron/exec/native/vector_math.hpp"

/// Trigonometric and hyperbolic functions, as those of vector_math.hpp. The polynomials of sines,
/// tangents and their inverses are those of Moshier's Cephes library.
namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr float kPi = 3.14159265F, kHalfPi = 1.57079633F, kQuarterPi = 0.785398163F;
constexpr float kGreatAngle = 65536.0F;

// x = n pi/2 + r, |r| <= pi/4; REQUIRES |x| < kGreatAngle. pi/2 is the sum of three floats, and the
// first product and its difference to x are exact.
inline Reduced reduce_by_half_pi(float x) {
  constexpr float kMagic = 12582912.0F;
  const float shifted = fma(x, 0.636619772F, kMagic);
  const float n = shifted - kMagic;
  float r = fma(n, -1.57079637F, x);
  r = fma(n, 4.37113883e-08F, r);
  r = fma(n, 1.71512489e-15F, r);
  // Beyond the range, where nobody takes the result, the difference may not fit.
  const auto turns =
      static_cast<uint32_t>(bits_of(shifted)) - static_cast<uint32_t>(bits_of(kMagic));
  return {r, static_cast<int32_t>(turns)};
}

// Of |r| <= pi/4.
inline float sine_near_zero(float r, float z) {
  float p = -1.9515295891e-4F;
  p = fma(p, z, 8.3321608736e-3F);
  p = fma(p, z, -1.6666654611e-1F);
  return fma(p * z, r, r);
}
inline float cosine_near_zero(float z) {
  float p = 2.443315711809948e-5F;
  p = fma(p, z, -1.388731625493765e-3F);
  p = fma(p, z, 4.166664568298827e-2F);
  return fma(p * z, z, fma(z, -0.5F, 1.0F));
}

inline float of_quadrant(float r, int32_t n) {
  const float z = r * r;
  const float s = sine_near_zero(r, z), c = cosine_near_zero(z);
  const float y = (n & 1) != 0 ? c : s;
  return (n & 2) != 0 ? -y : y;
}

inline float sin_of(float x) {
  const auto [r, n] = reduce_by_half_pi(x);
  const float y = of_quadrant(r, n);
  return x == 0.0F ? x : y;
}

inline float cos_of(float x) {
  const auto [r, n] = reduce_by_half_pi(x);
  return of_quadrant(r, static_cast<int32_t>(static_cast<uint32_t>(n) + 1));
}

inline float tan_of(float x) {
  const auto [r, n] = reduce_by_half_pi(x);
  const float z = r * r;
  float p = 9.38540185543e-3F;
  p = fma(p, z, 3.11992232697e-3F);
  p = fma(p, z, 2.44301354525e-2F);
  p = fma(p, z, 5.34112807005e-2F);
  p = fma(p, z, 1.33387994085e-1F);
  p = fma(p, z, 3.33331568548e-1F);
  const float y = fma(p * z, r, r);
  const float turned = -1.0F / y;
  return (n & 1) != 0 ? turned : (x == 0.0F ? x : y);
}

// asin(s) for s in [0, 1/2], z = s^2
inline float asin_near_zero(float s, float z) {
  float p = 4.2163199048e-2F;
  p = fma(p, z, 2.4181311049e-2F);
  p = fma(p, z, 4.5470025998e-2F);
  p = fma(p, z, 7.4953002686e-2F);
  p = fma(p, z, 1.6666752422e-1F);
  return fma(p * z, s, s);
}

inline float asin_of(float x) {
  const float a = abs_of(x);
  const bool great = a > 0.5F;
  const float z = great ? 0.5F * (1.0F - a) : a * a;
  const float p = asin_near_zero(great ? __builtin_sqrtf(z) : a, z);
  return __builtin_copysignf(great ? kHalfPi - 2.0F * p : p, x);
}

inline float acos_of(float x) {
  const float a = abs_of(x);
  const bool great = a > 0.5F;
  const float z = great ? 0.5F * (1.0F - a) : a * a;
  const float p = asin_near_zero(great ? __builtin_sqrtf(z) : a, z);
  const float ends = x < 0.0F ? kPi - 2.0F * p : 2.0F * p;
  return great ? ends : kHalfPi - __builtin_copysignf(p, x);
}

// The angle of the point (x, y) in the first quadrant.
inline float first_quadrant(float y, float x) {
  const bool low = y < 0.414213562F * x, steep = y > 2.41421356F * x;
  const float above = low ? y : (steep ? -x : y - x), below = low ? x : (steep ? y : x + y);
  const float u = above / below, z = u * u;
  float p = 8.05374449538e-2F;
  p = fma(p, z, -1.38776856032e-1F);
  p = fma(p, z, 1.99777106478e-1F);
  p = fma(p, z, -3.33329491539e-1F);
  return (low ? 0.0F : (steep ? kHalfPi : kQuarterPi)) + fma(p * z, u, u);
}

inline float atan_of(float x) { return __builtin_copysignf(first_quadrant(abs_of(x), 1.0F), x); }

inline float atan2_of(float y, float x) {
  float a = abs_of(y), b = abs_of(x);
  const float shrink = max_of(a, b) > 1e37F ? 0.0625F : 1.0F;  // their sum must be finite
  a *= shrink;
  b *= shrink;
  const bool same = a == b;  // both 0 or infinite, too
  const float known = a == 0.0F ? 0.0F : kQuarterPi;
  const float angle = same ? known : first_quadrant(a, b);
  const float left = kPi - angle;
  return __builtin_copysignf(bits_of(x) < 0 ? left : angle, y);
}

inline float sinh_of(float x) {
  const float a = abs_of(x), z = x * x;
  float p = 2.03721912945e-4F;
  p = fma(p, z, 8.33028376239e-3F);
  p = fma(p, z, 1.66667160211e-1F);
  const float small = fma(p * z, x, x);
  const float t = exp_of(0.5F * a), half = 0.5F * t;  // e^a itself may overflow
  const float large = half * t - 0.5F / (t * t);
  return a < 1.0F ? small : __builtin_copysignf(large, x);
}

inline float cosh_of(float x) {
  const float t = exp_of(0.5F * abs_of(x)), half = 0.5F * t;
  return half * t + 0.5F / (t * t);
}

// Both logarithms of large numbers: x + sqrt(x^2 + 1) is 2x, whose square would overflow.
constexpr float kLarge = 1e9F, kLn2 = 0.693147181F;

inline float asinh_of(float x) {
  const float a = abs_of(x), square = a * a;
  const float near = a + square / (1.0F + __builtin_sqrtf(square + 1.0F));
  const bool large = a > kLarge;
  const float y = log1p_of(large ? a : near) + (large ? kLn2 : 0.0F);
  return __builtin_copysignf(y, x);
}

inline float acosh_of(float x) {
  const float d = x - 1.0F;
  const float square = d < 0.0F ? d : d * (x + 1.0F);  // NaN below 1
  const bool large = x > kLarge;
  return log1p_of(large ? x : d + __builtin_sqrtf(square)) + (large ? kLn2 : 0.0F);
}

inline float atanh_of(float x) {
  const float a = abs_of(x);
  return __builtin_copysignf(0.5F * log1p_of(2.0F * a / (1.0F - a)), x);
}

}  // namespace

}  // namespace andiron::exec::ANDIRON_ISA
