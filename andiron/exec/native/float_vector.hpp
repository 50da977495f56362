#pragma once

#include <immintrin.h>

#include <cstdint>

/// A vector of floats of the instruction set's width, with what the optimizers' rules need (see
/// ops/optimizer/rule.hpp). Only *_isa.cpp files include this header.
namespace andiron::exec::ANDIRON_ISA {

#ifdef __AVX512F__

struct FloatVector {
  static constexpr int kWidth = 16;
  __m512 v;

  FloatVector() = default;
  explicit FloatVector(__m512 x) : v(x) {}
  explicit FloatVector(float x) : v(_mm512_set1_ps(x)) {}
  static FloatVector load(const float* p) { return FloatVector(_mm512_loadu_ps(p)); }
  /// The first n lanes; zero in the others.
  static FloatVector load(const float* p, int64_t n) {
    return FloatVector(_mm512_maskz_loadu_ps(mask(n), p));
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store(float* p, int64_t n) const { _mm512_mask_storeu_ps(p, mask(n), v); }

  friend FloatVector operator+(FloatVector a, FloatVector b) {
    return FloatVector(_mm512_add_ps(a.v, b.v));
  }
  friend FloatVector operator-(FloatVector a, FloatVector b) {
    return FloatVector(_mm512_sub_ps(a.v, b.v));
  }
  friend FloatVector operator*(FloatVector a, FloatVector b) {
    return FloatVector(_mm512_mul_ps(a.v, b.v));
  }
  friend FloatVector operator/(FloatVector a, FloatVector b) {
    return FloatVector(_mm512_div_ps(a.v, b.v));
  }
  friend FloatVector operator-(FloatVector a) {
    return FloatVector(_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0F)));
  }
  friend FloatVector fused(FloatVector a, FloatVector b, FloatVector c) {
    return FloatVector(_mm512_fmadd_ps(a.v, b.v, c.v));
  }
  friend FloatVector root(FloatVector a) { return FloatVector(_mm512_sqrt_ps(a.v)); }
  friend FloatVector larger(FloatVector a, FloatVector b) {
    return FloatVector(_mm512_max_ps(a.v, b.v));
  }
  friend FloatVector smaller(FloatVector a, FloatVector b) {
    return FloatVector(_mm512_min_ps(a.v, b.v));
  }
  friend FloatVector larger_or_nan(FloatVector a, FloatVector b) {
    const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
    return FloatVector(_mm512_mask_mov_ps(_mm512_max_ps(a.v, b.v), nan, a.v));
  }
  friend FloatVector by_sign(FloatVector x, FloatVector positive, FloatVector negative,
                             FloatVector otherwise) {
    const __m512 zero = _mm512_setzero_ps();
    const __m512 some =
        _mm512_mask_mov_ps(otherwise.v, _mm512_cmp_ps_mask(x.v, zero, _CMP_LT_OQ), negative.v);
    return FloatVector(
        _mm512_mask_mov_ps(some, _mm512_cmp_ps_mask(x.v, zero, _CMP_GT_OQ), positive.v));
  }

 private:
  static __mmask16 mask(int64_t n) { return static_cast<__mmask16>((1U << n) - 1U); }
};

#else

struct FloatVector {
  static constexpr int kWidth = 8;
  __m256 v;

  FloatVector() = default;
  explicit FloatVector(__m256 x) : v(x) {}
  explicit FloatVector(float x) : v(_mm256_set1_ps(x)) {}
  static FloatVector load(const float* p) { return FloatVector(_mm256_loadu_ps(p)); }
  /// The first n lanes; zero in the others.
  static FloatVector load(const float* p, int64_t n) {
    return FloatVector(_mm256_maskload_ps(p, mask(n)));
  }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  void store(float* p, int64_t n) const { _mm256_maskstore_ps(p, mask(n), v); }

  friend FloatVector operator+(FloatVector a, FloatVector b) {
    return FloatVector(_mm256_add_ps(a.v, b.v));
  }
  friend FloatVector operator-(FloatVector a, FloatVector b) {
    return FloatVector(_mm256_sub_ps(a.v, b.v));
  }
  friend FloatVector operator*(FloatVector a, FloatVector b) {
    return FloatVector(_mm256_mul_ps(a.v, b.v));
  }
  friend FloatVector operator/(FloatVector a, FloatVector b) {
    return FloatVector(_mm256_div_ps(a.v, b.v));
  }
  friend FloatVector operator-(FloatVector a) {
    return FloatVector(_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0F)));
  }
  friend FloatVector fused(FloatVector a, FloatVector b, FloatVector c) {
    return FloatVector(_mm256_fmadd_ps(a.v, b.v, c.v));
  }
  friend FloatVector root(FloatVector a) { return FloatVector(_mm256_sqrt_ps(a.v)); }
  friend FloatVector larger(FloatVector a, FloatVector b) {
    return FloatVector(_mm256_max_ps(a.v, b.v));
  }
  friend FloatVector smaller(FloatVector a, FloatVector b) {
    return FloatVector(_mm256_min_ps(a.v, b.v));
  }
  /// The maximum; NaN if one of them is (`larger` gives b then).
  friend FloatVector larger_or_nan(FloatVector a, FloatVector b) {
    const __m256 nan = _mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q);
    return FloatVector(_mm256_blendv_ps(_mm256_max_ps(a.v, b.v), a.v, nan));
  }
  /// positive where x > 0, negative where x < 0, otherwise where it is 0 or NaN.
  friend FloatVector by_sign(FloatVector x, FloatVector positive, FloatVector negative,
                             FloatVector otherwise) {
    const __m256 zero = _mm256_setzero_ps();
    const __m256 some =
        _mm256_blendv_ps(otherwise.v, negative.v, _mm256_cmp_ps(x.v, zero, _CMP_LT_OQ));
    return FloatVector(_mm256_blendv_ps(some, positive.v, _mm256_cmp_ps(x.v, zero, _CMP_GT_OQ)));
  }

 private:
  static __m256i mask(int64_t n) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
  }
};

#endif

inline FloatVector raised(FloatVector x, FloatVector exponent) {
  float base[FloatVector::kWidth], power[FloatVector::kWidth];
  x.store(base);
  exponent.store(power);
  for (int i = 0; i < FloatVector::kWidth; ++i) base[i] = __builtin_powf(base[i], power[i]);
  return FloatVector::load(base);
}

}  // namespace andiron::exec::ANDIRON_ISA
