#pragma once

#include <immintrin.h>

#include <cstdint>

/// A vector of floats of the instruction set's width, with what the optimizers' rules need (see
/// ops/optimizer/rule.hpp). Only *_isa.cpp files include this header.
namespace andiron::exec::ANDIRON_ISA {

namespace {

template <class F>
inline __m256d both_halves(__m256 v, const F& f) {
  return f(_mm256_cvtps_pd(_mm256_castps256_ps128(v)),
           _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
}
/// The folds of four vectors, side by side.
template <class F>
inline __m256d fold_each(__m256d a, __m256d b, __m256d c, __m256d d, const F& f) {
  const __m256d ab = f(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
  const __m256d cd = f(_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
  return f(_mm256_permute2f128_pd(ab, cd, 0x20), _mm256_permute2f128_pd(ab, cd, 0x31));
}
template <class F>
inline double fold4(__m256d v, const F& f) {
  const __m128d two = f(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
  return _mm_cvtsd_f64(f(two, _mm_unpackhi_pd(two, two)));
}

}  // namespace

#ifdef __AVX512F__

// Masks of all lanes: GCC 12 takes the undefined operand of the plain forms for a mistake of ours.

/// Some of a vector's lanes.
struct Lanes {
  __mmask16 mask = 0;

  friend Lanes either(Lanes a, Lanes b) { return {_kor_mask16(a.mask, b.mask)}; }
  /// A bit for each.
  uint32_t bits() const { return mask; }
};

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
  static FloatVector load(const float* p, int64_t n, FloatVector rest) {
    return FloatVector(_mm512_mask_loadu_ps(rest.v, mask(n), p));
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
    return FloatVector(_mm512_maskz_max_ps(0xFFFF, a.v, b.v));
  }
  friend FloatVector smaller(FloatVector a, FloatVector b) {
    return FloatVector(_mm512_maskz_min_ps(0xFFFF, a.v, b.v));
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
  friend Lanes unordered(FloatVector a, FloatVector b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_UNORD_Q)};
  }
  friend FloatVector nan_in(FloatVector y, Lanes lanes) {
    return FloatVector(_mm512_mask_mov_ps(y.v, lanes.mask, _mm512_set1_ps(__builtin_nanf(""))));
  }
  friend FloatVector unless_below(FloatVector y, FloatVector x, FloatVector low) {
    return FloatVector(_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, low.v, _CMP_NLT_UQ), y.v));
  }
  friend FloatVector raised_by(FloatVector x, FloatVector n) {
    return FloatVector(_mm512_castsi512_ps(_mm512_add_epi32(
        _mm512_castps_si512(x.v), _mm512_slli_epi32(_mm512_castps_si512(n.v), 23))));
  }
  friend Lanes equal(FloatVector a, FloatVector b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
  }
  FloatVector first(int64_t n) const { return FloatVector(_mm512_maskz_mov_ps(mask(n), v)); }
  template <class F>
  double folded(const F& f) const {
    return fold4(folded_to_four(f), f);
  }
  template <class F>
  __m256d folded_to_four(const F& f) const {
    const __m256 low = _mm512_maskz_extractf32x8_ps(0xFF, v, 0);
    const __m256 high = _mm512_maskz_extractf32x8_ps(0xFF, v, 1);
    return f(both_halves(low, f), both_halves(high, f));
  }

 private:
  static __mmask16 mask(int64_t n) { return static_cast<__mmask16>((1U << n) - 1U); }
};

#else

struct Lanes {
  __m256 mask = _mm256_setzero_ps();

  friend Lanes either(Lanes a, Lanes b) { return {_mm256_or_ps(a.mask, b.mask)}; }
  uint32_t bits() const { return static_cast<uint32_t>(_mm256_movemask_ps(mask)); }
};

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
  /// The first n lanes; those of `rest` in the others.
  static FloatVector load(const float* p, int64_t n, FloatVector rest) {
    return FloatVector(
        _mm256_blendv_ps(rest.v, _mm256_maskload_ps(p, mask(n)), _mm256_castsi256_ps(mask(n))));
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
  /// Where a or b is NaN.
  friend Lanes unordered(FloatVector a, FloatVector b) {
    return {_mm256_cmp_ps(a.v, b.v, _CMP_UNORD_Q)};
  }
  /// y, but NaN in those lanes.
  friend FloatVector nan_in(FloatVector y, Lanes lanes) {
    return FloatVector(_mm256_or_ps(y.v, lanes.mask));
  }
  /// y, but 0 where x < low.
  friend FloatVector unless_below(FloatVector y, FloatVector x, FloatVector low) {
    return FloatVector(_mm256_and_ps(y.v, _mm256_cmp_ps(x.v, low.v, _CMP_NLT_UQ)));
  }
  /// x 2^n, n the low bits of a number that was rounded by adding 1.5 2^23; no bounds are checked.
  friend FloatVector raised_by(FloatVector x, FloatVector n) {
    return FloatVector(_mm256_castsi256_ps(_mm256_add_epi32(
        _mm256_castps_si256(x.v), _mm256_slli_epi32(_mm256_castps_si256(n.v), 23))));
  }
  friend Lanes equal(FloatVector a, FloatVector b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
  /// The first n lanes; zero in the others.
  FloatVector first(int64_t n) const {
    return FloatVector(_mm256_and_ps(v, _mm256_castsi256_ps(mask(n))));
  }
  /// The fold of the lanes, pairwise in double; f folds vectors of GCC's kind.
  template <class F>
  double folded(const F& f) const {
    return fold4(folded_to_four(f), f);
  }
  template <class F>
  __m256d folded_to_four(const F& f) const {
    return both_halves(v, f);
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
