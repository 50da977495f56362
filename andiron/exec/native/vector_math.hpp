#pragma once

#include <cstdint>

/// Elementary functions of one float without branches or tables, so that GCC turns a loop over them
/// into vector code. Relative errors are 1 to 4 units in the last place over the whole range, with
/// the limits, infinities, denormals and NaN of libm; gelu's far left tail has a relative error of
/// 6e-6 instead. vector_ops_test.cpp measures them.
/// The polynomials are weighted minimax fits to the functions named beside them.
/// Only *_isa.cpp files include this header: everything in it has internal linkage.
namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr float kInf = __builtin_inff();
constexpr float kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;  // their sum is ln 2

inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float from_bits(int32_t bits) { return __builtin_bit_cast(float, bits); }
inline int32_t bits_of(float x) { return __builtin_bit_cast(int32_t, x); }
inline float abs_of(float x) { return __builtin_fabsf(x); }
/// NaN when either is.
inline float max_of(float a, float b) { return (a > b) | (a != a) ? a : b; }
inline float min_of(float a, float b) { return (a < b) | (a != a) ? a : b; }

// x = n ln 2 + r, |r| <= ln 2 / 2, for |x| < 2^22 (NaN: r is NaN, n anything).
struct Reduced {
  float r;
  int32_t n;
};
inline Reduced reduce_by_ln2(float x) {
  constexpr float kMagic = 12582912.0F;  // 1.5 2^23: the sum's low bits are the nearest integer
  const float shifted = fma(x, 1.44269504F, kMagic);
  const float n = shifted - kMagic;
  const float r = fma(n, -kLn2Low, fma(n, -kLn2High, x));
  return {r, bits_of(shifted) - bits_of(kMagic)};
}

// (e^r - 1 - r) / r^2
inline float exp_tail(float r) {
  float p = 0.00139505978F;
  p = fma(p, r, 0.00836895396F);
  p = fma(p, r, 0.0416662042F);
  p = fma(p, r, 0.166665183F);
  return fma(p, r, 0.5F);
}

// 2^n for n in [-126, 127].
inline float power_of_two(int32_t n) { return from_bits((n + 127) << 23); }

inline float exp_of(float x) {
  x = x > 89.0F ? 89.0F : x;
  x = x < -104.0F ? -104.0F : x;
  const auto [r, n] = reduce_by_ln2(x);
  const float p = fma(r * r, exp_tail(r), r) + 1.0F;
  // Two factors, because 2^n itself may overflow or be a denormal.
  const int32_t half = n >> 1;
  return p * power_of_two(half) * power_of_two(n - half);
}

/// e^x where 2^(x / ln 2) is a normal number; REQUIRES x in [-87, 88] or NaN.
inline float moderate_exp_of(float x) {
  const auto [r, n] = reduce_by_ln2(x);
  const float scale = power_of_two(n);
  return fma(fma(r * r, exp_tail(r), r), scale, scale);
}

/// e^x - 1; REQUIRES x <= 80.
inline float expm1_of(float x) {
  x = x < -40.0F ? -40.0F : x;
  const auto [r, n] = reduce_by_ln2(x);
  const float scale = power_of_two(n);
  return fma(scale, fma(r * r, exp_tail(r), r), scale - 1.0F);
}

// ln(2^k (1 + f)) + c, f in [sqrt(1/2) - 1, sqrt(2) - 1]
inline float log_of_parts(float f, float k, float c) {
  float p = -0.0785980525F;  // (ln(1 + f) - f + f^2 / 2) / f^3
  p = fma(p, f, 0.128858048F);
  p = fma(p, f, -0.131304807F);
  p = fma(p, f, 0.141807086F);
  p = fma(p, f, -0.166243462F);
  p = fma(p, f, 0.200023023F);
  p = fma(p, f, -0.250008161F);
  p = fma(p, f, 0.333333166F);
  const float f2 = f * f;
  float low = fma(k, kLn2Low, c);
  low = fma(f2 * f, p, low);
  low = fma(f2, -0.5F, low);
  return fma(k, kLn2High, low + f);
}

// x = 2^k m, m in [sqrt(1/2), sqrt(2)); REQUIRES a normal positive x.
struct Parts {
  float m, k;
};
inline Parts split_exponent(float x) {
  constexpr uint32_t kSqrtHalf = 0x3F3504F3U;
  const uint32_t offset = __builtin_bit_cast(uint32_t, x) - kSqrtHalf;  // may wrap around
  const auto m = static_cast<int32_t>((offset & 0x007FFFFFU) + kSqrtHalf);
  return {from_bits(m), static_cast<float>(static_cast<int32_t>(offset) >> 23)};
}

inline float log_of(float x) {
  const bool tiny = x < 1.17549435e-38F;
  const auto [m, k] = split_exponent(tiny ? x * 8388608.0F : x);
  float y = log_of_parts(m - 1.0F, tiny ? k - 23.0F : k, 0.0F);
  y = x < kInf ? y : x;  // inf and NaN stay
  y = x == 0.0F ? -kInf : y;
  return x < 0.0F ? __builtin_nanf("") : y;
}

inline float log1p_of(float x) {
  const float u = 1.0F + x;
  const auto [m, k] = split_exponent(u);
  // What rounding 1 + x lost, relative to u.
  const float lost = u >= 2.0F ? 1.0F - (u - x) : x - (u - 1.0F);
  float y = log_of_parts(m - 1.0F, k, lost / u);
  y = x < kInf ? y : x;
  y = x == -1.0F ? -kInf : y;
  return x < -1.0F ? __builtin_nanf("") : (x == 0.0F ? x : y);
}

inline float log2_of(float x) {
  const bool tiny = x < 1.17549435e-38F;
  const auto [m, k] = split_exponent(tiny ? x * 8388608.0F : x);
  float y = fma(log_of_parts(m - 1.0F, 0.0F, 0.0F), 1.44269504F, tiny ? k - 23.0F : k);
  y = x < kInf ? y : x;
  y = x == 0.0F ? -kInf : y;
  return x < 0.0F ? __builtin_nanf("") : y;
}

inline float log10_of(float x) {
  constexpr float kLog2High = 0.301025390625F, kLog2Low = 4.60503907e-06F;  // log10 2
  const bool tiny = x < 1.17549435e-38F;
  const auto [m, k0] = split_exponent(tiny ? x * 8388608.0F : x);
  const float k = tiny ? k0 - 23.0F : k0;
  const float low = fma(log_of_parts(m - 1.0F, 0.0F, 0.0F), 0.434294482F, k * kLog2Low);
  float y = fma(k, kLog2High, low);
  y = x < kInf ? y : x;
  y = x == 0.0F ? -kInf : y;
  return x < 0.0F ? __builtin_nanf("") : y;
}

// 2^r for |r| <= 1/2
inline float exp2_near_zero(float r) {
  float p = 0.000153534202F;
  p = fma(p, r, 0.00133988948F);
  p = fma(p, r, 0.00961843692F);
  p = fma(p, r, 0.0555033237F);
  p = fma(p, r, 0.240226477F);
  p = fma(p, r, 0.693147182F);
  return fma(p, r, 1.0F);
}

inline float exp2_of(float x) {
  x = x > 129.0F ? 129.0F : x;
  x = x < -151.0F ? -151.0F : x;
  constexpr float kMagic = 12582912.0F;
  const float shifted = x + kMagic;
  const int32_t n = bits_of(shifted) - bits_of(kMagic);
  const float p = exp2_near_zero(x - (shifted - kMagic));
  const int32_t half = n >> 1;
  return p * power_of_two(half) * power_of_two(n - half);
}

/// e^x - 1 for every x.
inline float full_expm1_of(float x) {
  const float large = exp_of(x);
  const float small = expm1_of(x < 60.0F ? x : 60.0F);
  return x < 60.0F ? small : large;
}

/// ln(e^a + e^b)
inline float logaddexp_of(float a, float b) {
  const float apart = a == b ? 0.0F : -abs_of(a - b);
  return max_of(a, b) + log1p_of(exp_of(apart));
}

/// a - trunc(a / b) * b; REQUIRES |a / b| < 4e6. The quotient may be rounded up to the next number.
inline float remainder_of(float a, float b) {
  const float x = abs_of(a), y = abs_of(b);
  float r = fma(-__builtin_truncf(x / y), y, x);
  r = r < 0.0F ? r + y : r;
  return __builtin_copysignf(r, a);
}

inline float tanh_of(float x) {
  const float z = x * x;
  float p = -0.00566076949F;  // (tanh(x) - x) / x^3
  p = fma(p, z, 0.0206019882F);
  p = fma(p, z, -0.0537292232F);
  p = fma(p, z, 0.133313289F);
  p = fma(p, z, -0.333332783F);
  const float small = fma(x * z, p, x);
  const float a = abs_of(x);
  const float large = 1.0F - 2.0F / (exp_of(2.0F * a) + 1.0F);
  return a < 0.625F ? small : __builtin_copysignf(large, x);
}

inline float sigmoid_of(float x) {
  const float e = exp_of(-abs_of(x));
  return (x < 0.0F ? e : 1.0F) / (1.0F + e);
}

inline float softplus_of(float x) {
  const float positive = x < 0.0F ? 0.0F : x;
  return positive + log1p_of(exp_of(-abs_of(x)));
}

// Even and odd terms of the long polynomials are summed side by side: one chain would take longer
// than the processor can bridge with other elements.

// erf(y) for |y| < 0.93
inline float erf_near_zero(float y) {
  const float s = y * y, s2 = s * s;
  float odd = -0.000597689057F, even = 0.00499097956F;  // erf(y) / y - 1
  odd = fma(odd, s2, -0.0267655665F);
  even = fma(even, s2, 0.112818028F);
  odd = fma(odd, s2, -0.376124943F);
  even = fma(even, s2, 0.12837915F);
  return fma(fma(odd, s, even), y, y);
}

// ln(erfc(t)) for t from 0.9 to 6; the relative error of e to that is 5e-6 at the end.
inline float log_erfc(float t) {
  const float s = t - 3.5F, s2 = s * s;  // the middle, so that terms don't cancel each other
  float even = 6.73001521e-09F, odd = -6.11383344e-09F;  // ln(erfc(t)) / t
  even = fma(even, s2, -1.71116383e-07F);
  odd = fma(odd, s2, 1.04164712e-06F);
  even = fma(even, s2, -6.91644345e-06F);
  odd = fma(odd, s2, 4.94173037e-05F);
  even = fma(even, s2, -0.000321722677F);
  odd = fma(odd, s2, 0.00199784758F);
  even = fma(even, s2, -0.0122167971F);
  odd = fma(odd, s2, -0.923992813F);
  even = fma(even, s2, -4.032125F);
  return t * fma(odd, s, even);
}

/// The distribution function of the standard normal; relative error 3e-7 from -1 on, 6e-6 in the
/// far left tail.
inline float normal_cdf(float x) {
  const float a = abs_of(x), t = 8.5F < a ? 8.5F : a;
  const float s = t - 4.25F, s2 = s * s;
  float odd = -9.26513866e-11F, even = 6.67311206e-10F;  // (log2(cdf(-t)) + 1) / t
  odd = fma(odd, s2, 6.96186331e-10F);
  even = fma(even, s2, -1.65466307e-08F);
  odd = fma(odd, s2, 1.15386854e-07F);
  even = fma(even, s2, -1.35727032e-06F);
  odd = fma(odd, s2, 1.39057574e-05F);
  even = fma(even, s2, -0.000121463185F);
  odd = fma(odd, s2, 0.00100047525F);
  even = fma(even, s2, -0.00801856723F);
  odd = fma(odd, s2, -0.656616271F);
  even = fma(even, s2, -3.65025353F);
  const float v = fma(t, fma(odd, s, even), -1.0F);
  constexpr float kMagic = 12582912.0F;
  const float shifted = v + kMagic;
  const float p = exp2_near_zero(v - (shifted - kMagic));
  const float tail = p * power_of_two(bits_of(shifted) - bits_of(kMagic));
  const float half = a > 8.5F ? 0.0F : tail;
  return x < 0.0F ? half : 1.0F - half;
}

inline float erf_of(float x) {
  const float t = abs_of(x);
  const float large = 1.0F - moderate_exp_of(log_erfc(6.0F < t ? 6.0F : t));
  return t < 0.93F ? erf_near_zero(x) : __builtin_copysignf(large, x);
}

/// Relative error 5e-6 where the result is small.
inline float erfc_of(float x) {
  const float t = abs_of(x);
  // e^(-t^2) / (t sqrt(pi)) (1 - 1 / 2t^2 + 3 / 4t^4 - ...), with the square's rounding error.
  const float far = t < 11.0F ? t : 11.0F;
  const float square = far * far, lost = fma(far, far, -square), z = 1.0F / square;
  float p = 6.5625F;
  p = fma(p, z, -1.875F);
  p = fma(p, z, 0.75F);
  p = fma(p, z, -0.5F);
  p = fma(p, z, 1.0F);
  const float factor = (1.0F - lost) * p * 0.564189584F / far;
  const bool is_far = t > 5.0F;
  const float right = exp_of(is_far ? -square : log_erfc(t)) * (is_far ? factor : 1.0F);
  const float large = x < 0.0F ? 2.0F - right : right;
  const float y = t < 0.93F ? 1.0F - erf_near_zero(x) : large;
  return x == x ? y : x;
}

/// Giles 2012.
inline float erfinv_of(float x) {
  const float a = abs_of(x), w = -log_of((1.0F - a) * (1.0F + a));
  const float u = w - 2.5F;
  float p = 2.81022636e-08F;
  p = fma(p, u, 3.43273939e-07F);
  p = fma(p, u, -3.5233877e-06F);
  p = fma(p, u, -4.39150654e-06F);
  p = fma(p, u, 0.00021858087F);
  p = fma(p, u, -0.00125372503F);
  p = fma(p, u, -0.00417768164F);
  p = fma(p, u, 0.246640727F);
  p = fma(p, u, 1.50140941F);
  const float v = __builtin_sqrtf(w) - 3.0F;
  float q = -0.000200214257F;
  q = fma(q, v, 0.000100950558F);
  q = fma(q, v, 0.00134934322F);
  q = fma(q, v, -0.00367342844F);
  q = fma(q, v, 0.00573950773F);
  q = fma(q, v, -0.0076224613F);
  q = fma(q, v, 0.00943887047F);
  q = fma(q, v, 1.00167406F);
  q = fma(q, v, 2.83297682F);
  const float y = x * (w < 5.0F ? p : q);
  return a == 1.0F ? x * kInf : y;
}

inline float gelu_of(float x) { return x * normal_cdf(x); }

inline float gelu_derivative_of(float x) {
  const float density = 0.398942280F * exp_of(-0.5F * x * x);
  return fma(x, density, normal_cdf(x));
}

inline float gelu_tanh_of(float x) {
  const float inner = 0.797884561F * fma(0.044715F * x * x, x, x);
  // 1 + tanh(u) = 2 sigmoid(2u), without cancellation in the left tail.
  return x * sigmoid_of(2.0F * inner);
}

/// base^exponent for positive finite base and finite exponent; callers see to the rest.
inline float power_of(float base, float exponent) {
  const bool tiny = base < 1.17549435e-38F;
  const auto [m, k] = split_exponent(tiny ? base * 8388608.0F : base);
  const double s = (static_cast<double>(m) - 1.0) / (static_cast<double>(m) + 1.0);
  const double z = s * s;
  double p = 0.28290077783527212;  // log2((1 + s) / (1 - s)) / s
  p = p * z + 0.31990585157973517;
  p = p * z + 0.41220924317998964;
  p = p * z + 0.57707794250770961;
  p = p * z + 0.96179669411291246;
  p = p * z + 2.8853900817778508;
  double t = (p * s + static_cast<double>(tiny ? k - 23.0F : k)) * static_cast<double>(exponent);
  t = t < 200.0 ? t : 200.0;  // NaN too: what follows converts to an integer
  t = t > -200.0 ? t : -200.0;
  constexpr double kMagic = 6755399441055744.0;  // 1.5 2^52
  const double n = (t + kMagic) - kMagic;
  const double r = t - n;
  double q = 1.53165822999361e-05;  // 2^r
  q = q * r + 0.00015469864347676036;
  q = q * r + 0.0013333422133093523;
  q = q * r + 0.0096180251891269351;
  q = q * r + 0.055504109767309344;
  q = q * r + 0.24022651216699048;
  q = q * r + 0.69314718053483604;
  q = q * r + 0.99999999995922406;
  const int32_t shift = static_cast<int32_t>(n);
  const int32_t half = shift >> 1;
  // The factors are exact but for the last, which rounds once where the result is a denormal.
  return static_cast<float>(q * static_cast<double>(power_of_two(half)) *
                            static_cast<double>(power_of_two(shift - half)));
}

inline float round_to_bf16(float x) {
  const uint32_t word = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (word + 0x7FFFU + ((word >> 16) & 1U)) & 0xFFFF0000U;
  const uint32_t quiet = (word | 0x400000U) & 0xFFFF0000U;
  return __builtin_bit_cast(float, x != x ? quiet : rounded);
}

}  // namespace

}  // namespace andiron::exec::ANDIRON_ISA
