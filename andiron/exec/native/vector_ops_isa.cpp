#include "andiron/exec/native/vector_math.hpp"
#include "andiron/exec/native/vector_ops.hpp"
#include "andiron/exec/native/vector_trigonometry.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

// The loops have no dependence from one element to the next, even when dst is one of the sources.
#define ANDIRON_UNARY(name, expression)                                                 \
  void name##_block(float* dst, const float* pa, const float*, const float*, int64_t n, \
                    [[maybe_unused]] const float* imm) {                                \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; ++i) {                              \
      const float a = pa[i];                                                            \
      dst[i] = (expression);                                                            \
    }                                                                                   \
  }
#define ANDIRON_BINARY(name, expression)                                                   \
  void name##_block(float* dst, const float* pa, const float* pb, const float*, int64_t n, \
                    const float*) {                                                        \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; ++i) {                                 \
      const float a = pa[i], b = pb[i];                                                    \
      dst[i] = (expression);                                                               \
    }                                                                                      \
  }

inline float step_of(float a) { return a > 0.0F ? 1.0F : (a <= 0.0F ? 0.0F : a); }
inline float relu_of(float a) { return a < 0.0F ? 0.0F : a; }

ANDIRON_UNARY(copy, a)
ANDIRON_UNARY(negative, -a)
ANDIRON_UNARY(absolute, abs_of(a))
ANDIRON_UNARY(sign, a > 0.0F ? 1.0F : (a < 0.0F ? -1.0F : a))
ANDIRON_UNARY(square, a* a)
ANDIRON_UNARY(reciprocal, 1.0F / a)
ANDIRON_UNARY(sqrt, __builtin_sqrtf(a))
ANDIRON_UNARY(rsqrt, 1.0F / __builtin_sqrtf(a))
ANDIRON_UNARY(exp, exp_of(a))
ANDIRON_UNARY(log, log_of(a))
ANDIRON_UNARY(log1p, log1p_of(a))
ANDIRON_UNARY(log2, log2_of(a))
ANDIRON_UNARY(log10, log10_of(a))
ANDIRON_UNARY(exp2, exp2_of(a))
ANDIRON_UNARY(expm1, full_expm1_of(a))
ANDIRON_UNARY(floor, __builtin_floorf(a))
ANDIRON_UNARY(ceil, __builtin_ceilf(a))
ANDIRON_UNARY(round, __builtin_nearbyintf(a))
ANDIRON_UNARY(trunc, __builtin_truncf(a))
ANDIRON_UNARY(asin, asin_of(a))
ANDIRON_UNARY(acos, acos_of(a))
ANDIRON_UNARY(atan, atan_of(a))
ANDIRON_UNARY(sinh, sinh_of(a))
ANDIRON_UNARY(cosh, cosh_of(a))
ANDIRON_UNARY(asinh, asinh_of(a))
ANDIRON_UNARY(acosh, acosh_of(a))
ANDIRON_UNARY(atanh, atanh_of(a))
ANDIRON_UNARY(erf, erf_of(a))
ANDIRON_UNARY(erfc, erfc_of(a))
ANDIRON_UNARY(erfinv, erfinv_of(a))
ANDIRON_UNARY(step, step_of(a))
ANDIRON_UNARY(sigmoid, sigmoid_of(a))
ANDIRON_UNARY(tanh, tanh_of(a))
ANDIRON_UNARY(relu, relu_of(a))
ANDIRON_UNARY(gelu, gelu_of(a))
ANDIRON_UNARY(gelu_tanh, gelu_tanh_of(a))
ANDIRON_UNARY(gelu_derivative, gelu_derivative_of(a))
ANDIRON_UNARY(softplus, softplus_of(a))
ANDIRON_UNARY(logical_not, a == 0.0F ? 1.0F : 0.0F)
ANDIRON_UNARY(not_zero, a != 0.0F ? 1.0F : 0.0F)
ANDIRON_UNARY(round_bf16, round_to_bf16(a))

ANDIRON_BINARY(add, a + b)
ANDIRON_BINARY(subtract, a - b)
ANDIRON_BINARY(multiply, a* b)
ANDIRON_BINARY(divide, a / b)
ANDIRON_BINARY(maximum, max_of(a, b))
ANDIRON_BINARY(minimum, min_of(a, b))
ANDIRON_BINARY(atan2, atan2_of(a, b))
ANDIRON_BINARY(logaddexp, logaddexp_of(a, b))
ANDIRON_BINARY(equal, a == b ? 1.0F : 0.0F)
ANDIRON_BINARY(not_equal, a != b ? 1.0F : 0.0F)
ANDIRON_BINARY(less, a < b ? 1.0F : 0.0F)
ANDIRON_BINARY(less_equal, a <= b ? 1.0F : 0.0F)
ANDIRON_BINARY(greater, a > b ? 1.0F : 0.0F)
ANDIRON_BINARY(greater_equal, a >= b ? 1.0F : 0.0F)
ANDIRON_BINARY(logical_and, a* b)
ANDIRON_BINARY(logical_or, a > b ? a : b)
ANDIRON_BINARY(sigmoid_cross_entropy, (a > 0.0F ? a : 0.0F) - a * b + log1p_of(exp_of(-abs_of(a))))
ANDIRON_BINARY(multiply_step, a* step_of(b))
ANDIRON_BINARY(add_relu, relu_of(a + b))

void leaky_relu_block(float* dst, const float* a, const float*, const float*, int64_t n,
                      const float* imm) {
  const float slope = imm[0];
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) dst[i] = a[i] > 0.0F ? a[i] : slope * a[i];
}

void elu_block(float* dst, const float* a, const float*, const float*, int64_t n,
               const float* imm) {
  const float alpha = imm[0];
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float x = a[i];
    const float below = alpha * expm1_of(x > 0.0F ? 0.0F : x);
    dst[i] = x > 0.0F ? x : below;
  }
}

void clip_block(float* dst, const float* a, const float*, const float*, int64_t n,
                const float* imm) {
  const float low = imm[0], high = imm[1];
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float x = a[i] < low ? low : a[i];
    dst[i] = x > high ? high : x;
  }
}

void where_block(float* dst, const float* condition, const float* a, const float* b, int64_t n,
                 const float*) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float x = a[i], y = b[i];
    dst[i] = condition[i] != 0.0F ? x : y;
  }
}

// The vector loop `fast` is right for ordinary operands; the few others are done again by libm.
template <class Ordinary, class Fast, class Exact>
inline void by_strips(float* dst, const float* a, int64_t n, Ordinary ordinary, Fast fast,
                      Exact exact) {
  constexpr int64_t kStrip = 64;
  for (int64_t begin = 0; begin < n; begin += kStrip) {
    const int64_t m = n - begin < kStrip ? n - begin : kStrip;
    float x[kStrip];
    int32_t odd = 0;
    for (int64_t i = 0; i < m; ++i) {
      x[i] = a[begin + i];
      odd |= !ordinary(x[i]);
    }
    for (int64_t i = 0; i < m; ++i) dst[begin + i] = fast(x[i]);
    for (int64_t i = 0; odd != 0 && i < m; ++i)
      if (!ordinary(x[i])) dst[begin + i] = exact(x[i]);
  }
}

template <class Ordinary, class Fast, class Exact>
inline void by_strips(float* dst, const float* a, const float* b, int64_t n, Ordinary ordinary,
                      Fast fast, Exact exact) {
  constexpr int64_t kStrip = 64;
  for (int64_t begin = 0; begin < n; begin += kStrip) {
    const int64_t m = n - begin < kStrip ? n - begin : kStrip;
    float x[kStrip], y[kStrip];
    int32_t odd = 0;
    for (int64_t i = 0; i < m; ++i) {
      x[i] = a[begin + i];
      y[i] = b[begin + i];
      odd |= !ordinary(x[i], y[i]);
    }
    for (int64_t i = 0; i < m; ++i) dst[begin + i] = fast(x[i], y[i]);
    for (int64_t i = 0; odd != 0 && i < m; ++i)
      if (!ordinary(x[i], y[i])) dst[begin + i] = exact(x[i], y[i]);
  }
}

void power_block(float* dst, const float* a, const float* b, const float*, int64_t n,
                 const float*) {
  by_strips(
      dst, a, b, n, [](float x, float y) { return (x > 0.0F) & (x < kInf) & (abs_of(y) < kInf); },
      [](float x, float y) { return power_of(x, y); },
      [](float x, float y) { return __builtin_powf(x, y); });
}

void remainder_block(float* dst, const float* a, const float* b, const float*, int64_t n,
                     const float*) {
  by_strips(
      dst, a, b, n,
      [](float x, float y) { return (abs_of(x) < 4e6F * abs_of(y)) & (abs_of(y) < 1e30F); },
      [](float x, float y) { return remainder_of(x, y); },
      [](float x, float y) { return __builtin_fmodf(x, y); });
}

#define ANDIRON_ANGLE(name)                                                                    \
  void name##_block(float* dst, const float* a, const float*, const float*, int64_t n,         \
                    const float*) {                                                            \
    by_strips(                                                                                 \
        dst, a, n, [](float x) { return abs_of(x) < kGreatAngle; },                            \
        [](float x) { return name##_of(x); }, [](float x) { return __builtin_##name##f(x); }); \
  }
ANDIRON_ANGLE(sin)
ANDIRON_ANGLE(cos)
ANDIRON_ANGLE(tan)

template <class T>
void convert_from(float* dst, const void* src, int64_t n) {
  const T* p = static_cast<const T*>(src);
  for (int64_t i = 0; i < n; ++i) dst[i] = static_cast<float>(p[i]);
}

void from_bf16(float* dst, const void* src, int64_t n) {
  const auto* p = static_cast<const uint16_t*>(src);
  for (int64_t i = 0; i < n; ++i)
    dst[i] = from_bits(static_cast<int32_t>(static_cast<uint32_t>(p[i]) << 16));
}

void to_bf16(void* dst, const float* src, int64_t n) {
  auto* p = static_cast<uint16_t*>(dst);
  for (int64_t i = 0; i < n; ++i)
    p[i] = static_cast<uint16_t>(__builtin_bit_cast(uint32_t, round_to_bf16(src[i])) >> 16);
}

void to_bool(void* dst, const float* src, int64_t n) {
  auto* p = static_cast<uint8_t*>(dst);
  for (int64_t i = 0; i < n; ++i) p[i] = src[i] != 0.0F ? 1 : 0;
}

}  // namespace

// In the order of VectorOp.
extern const VectorTable kVectorTable = {
    {copy_block,          negative_block,   absolute_block,
     sign_block,          square_block,     reciprocal_block,
     sqrt_block,          rsqrt_block,      exp_block,
     log_block,           log1p_block,      log2_block,
     log10_block,         exp2_block,       expm1_block,
     floor_block,         ceil_block,       round_block,
     trunc_block,         sin_block,        cos_block,
     tan_block,           asin_block,       acos_block,
     atan_block,          sinh_block,       cosh_block,
     asinh_block,         acosh_block,      atanh_block,
     erf_block,           erfc_block,       erfinv_block,
     step_block,          sigmoid_block,    tanh_block,
     relu_block,          leaky_relu_block, elu_block,
     gelu_block,          gelu_tanh_block,  gelu_derivative_block,
     softplus_block,      clip_block,       logical_not_block,
     not_zero_block,      round_bf16_block, add_block,
     subtract_block,      multiply_block,   divide_block,
     maximum_block,       minimum_block,    power_block,
     remainder_block,     atan2_block,      logaddexp_block,
     equal_block,         not_equal_block,  less_block,
     less_equal_block,    greater_block,    greater_equal_block,
     logical_and_block,   logical_or_block, sigmoid_cross_entropy_block,
     multiply_step_block, add_relu_block,   where_block},
    from_bf16,
    convert_from<int8_t>,
    convert_from<uint8_t>,
    convert_from<int32_t>,
    convert_from<int64_t>,
    to_bf16,
    to_bool};

}  // namespace andiron::exec::ANDIRON_ISA
