#include "andiron/exec/native/float_vector.hpp"
#include "andiron/exec/native/group_norm_table.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int64_t kWidth = FloatVector::kWidth;
constexpr int64_t kRun = 256 * kWidth;  // added in float before it goes into the double

double across(FloatVector v) {
  float lane[kWidth];
  v.store(lane);
  double wide[kWidth];
  for (int64_t j = 0; j < kWidth; ++j) wide[j] = static_cast<double>(lane[j]);
  for (int64_t width = kWidth / 2; width > 0; width /= 2)
    for (int64_t j = 0; j < width; ++j) wide[j] += wide[j + width];
  return wide[0];
}

// The sum of n terms: of `some(i)`, those from i on, and of `one(i)` at the end.
template <class Some, class One>
inline double total(int64_t n, Some some, One one) {
  double all = 0;
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = begin + kRun < n ? begin + kRun : n;
    FloatVector a(0.0F), b(0.0F), c(0.0F), d(0.0F);
    int64_t i = begin;
    for (; i + 4 * kWidth <= end; i += 4 * kWidth) {
      a = some(a, i);
      b = some(b, i + kWidth);
      c = some(c, i + 2 * kWidth);
      d = some(d, i + 3 * kWidth);
    }
    for (; i + kWidth <= end; i += kWidth) a = some(a, i);
    all += across((a + b) + (c + d));
    for (; i < end; ++i) all += static_cast<double>(one(i));
  }
  return all;
}

double sum(const float* x, int64_t n) {
  return total(
      n, [&](FloatVector t, int64_t i) { return t + FloatVector::load(x + i); },
      [&](int64_t i) { return x[i]; });
}

Deviations deviations(const float* x, float mean, int64_t n) {
  const FloatVector m(mean);
  Deviations all{0, 0};
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = begin + kRun < n ? begin + kRun : n;
    FloatVector s[2] = {FloatVector(0.0F), FloatVector(0.0F)}, q[2] = {s[0], s[0]};
    const auto add = [&](int which, int64_t i) {
      const FloatVector d = FloatVector::load(x + i) - m;
      s[which] = s[which] + d;
      q[which] = fused(d, d, q[which]);
    };
    int64_t i = begin;
    for (; i + 2 * kWidth <= end; i += 2 * kWidth) {
      add(0, i);
      add(1, i + kWidth);
    }
    for (; i + kWidth <= end; i += kWidth) add(0, i);
    all.sum += across(s[0] + s[1]);
    all.squares += across(q[0] + q[1]);
    for (; i < end; ++i) {
      const float d = x[i] - mean;
      all.sum += static_cast<double>(d);
      all.squares += static_cast<double>(d * d);
    }
  }
  return all;
}

template <bool kScale>
ProductSums product_sums(const float* x, float mean, const float* g, const float* scale,
                         int64_t n) {
  const FloatVector m(mean);
  ProductSums all{0, 0};
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = begin + kRun < n ? begin + kRun : n;
    FloatVector h[2] = {FloatVector(0.0F), FloatVector(0.0F)}, p[2] = {h[0], h[0]};
    const auto add = [&](int which, int64_t i) {
      FloatVector v = FloatVector::load(g + i);
      if constexpr (kScale) v = v * FloatVector::load(scale + i);
      h[which] = h[which] + v;
      p[which] = fused(v, FloatVector::load(x + i) - m, p[which]);
    };
    int64_t i = begin;
    for (; i + 2 * kWidth <= end; i += 2 * kWidth) {
      add(0, i);
      add(1, i + kWidth);
    }
    for (; i + kWidth <= end; i += kWidth) add(0, i);
    all.h += across(h[0] + h[1]);
    all.products += across(p[0] + p[1]);
    for (; i < end; ++i) {
      const float v = kScale ? g[i] * scale[i] : g[i];
      all.h += static_cast<double>(v);
      all.products += static_cast<double>(v * (x[i] - mean));
    }
  }
  return all;
}

ProductSums products(const float* x, float mean, const float* g, const float* scale, int64_t n) {
  return scale != nullptr ? product_sums<true>(x, mean, g, scale, n)
                          : product_sums<false>(x, mean, g, scale, n);
}

template <bool kScale, bool kOffset>
void normalize_by(const float* x, float mean, float factor, const float* scale, float shift,
                  const float* offset, float* dst, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float a = kScale ? factor * scale[i] : factor;
    dst[i] = (x[i] - mean) * a + (kOffset ? shift + offset[i] : shift);
  }
}

void normalize(const float* x, float mean, float factor, const float* scale, float shift,
               const float* offset, float* dst, int64_t n) {
  auto* const f =
      scale != nullptr
          ? (offset != nullptr ? normalize_by<true, true> : normalize_by<true, false>)
          : (offset != nullptr ? normalize_by<false, true> : normalize_by<false, false>);
  f(x, mean, factor, scale, shift, offset, dst, n);
}

void gradient(const float* x, float mean, const float* g, float factor, const float* scale,
              float slope, float shift, float* dst, int64_t n) {
  if (scale != nullptr) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i)
      dst[i] = factor * (g[i] * scale[i]) - slope * (x[i] - mean) - shift;
    return;
  }
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) dst[i] = factor * g[i] - slope * (x[i] - mean) - shift;
}

void add_products(const float* x, float mean, float inverse, const float* g, float* products,
                  float* sums, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    products[i] += g[i] * ((x[i] - mean) * inverse);
    sums[i] += g[i];
  }
}

}  // namespace

extern const GroupNormTable kGroupNormTable = {sum,       deviations, products,
                                               normalize, gradient,   add_products};

}  // namespace andiron::exec::ANDIRON_ISA
