#include "andiron/exec/native/fold_lanes.hpp"
#include "andiron/exec/native/softmax_rows_table.hpp"
#include "andiron/exec/native/vector_exp.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr float kInf = __builtin_inff();
constexpr int64_t kWidth = FloatVector::kWidth;

inline bool infinite(float x) { return __builtin_fabsf(x) == kInf; }
// Where the greatest is infinite, inf - inf is among the differences.
inline double unless_special(double total, float top) {
  return top - top == 0.0F ? total : __builtin_nan("");
}

// dst[i] = e^(x[i] - shift), shift the greatest, and their sum, which is NaN where shift is not
// finite (dst holds anything then); dst may be null.
template <bool kStore>
double exp_and_sum(const float* x, float shift, float* dst, int64_t n) {
  constexpr int64_t kRun = 1024;  // added in float by lanes before it goes into the double
  const FloatVector s(shift);
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = begin + kRun < n ? begin + kRun : n;
    FloatVector sum[4] = {FloatVector(0.0F), FloatVector(0.0F), FloatVector(0.0F),
                          FloatVector(0.0F)};
    int64_t i = begin;
    for (; i + 4 * kWidth <= end; i += 4 * kWidth)
      for (int k = 0; k < 4; ++k) {
        const FloatVector e = exp_below_zero(FloatVector::load(x + i + k * kWidth) - s);
        if constexpr (kStore) e.store(dst + i + k * kWidth);
        sum[k] = sum[k] + e;
      }
    for (; i + kWidth <= end; i += kWidth) {
      const FloatVector e = exp_below_zero(FloatVector::load(x + i) - s);
      if constexpr (kStore) e.store(dst + i);
      sum[0] = sum[0] + e;
    }
    if (const int64_t m = end - i; m > 0) {
      const FloatVector e = exp_below_zero(FloatVector::load(x + i, m) - s).first(m);
      if constexpr (kStore) e.store(dst + i, m);
      sum[1] = sum[1] + e;
    }
    total += ((sum[0] + sum[1]) + (sum[2] + sum[3])).folded(Folding<Fold::sum>{});
  }
  return unless_special(total, shift);
}

// finish(row, x there, its greatest, sum of exp_and_sum) for each row. Short rows go from step to
// step together: the end of one need not wait for that of another. A row's bits do not depend on
// it.
template <bool kStore, class Finish>
inline void each_row(const float* x, float* dst, int64_t rows, int64_t n, Finish finish) {
  constexpr int64_t kTogether = 4, kShort = 512;
  const int64_t most = n <= kShort ? kTogether : 1;
  for (int64_t r = 0; r < rows; r += most) {
    const int64_t m = rows - r < most ? rows - r : most;
    float top[kTogether];
    double total[kTogether];
    const float* from = x + r * n;
    for (int64_t k = 0; k < m; ++k) top[k] = max_of_row(from + k * n, n);
    for (int64_t k = 0; k < m; ++k)
      total[k] = exp_and_sum<kStore>(from + k * n, top[k], kStore ? dst + (r + k) * n : nullptr, n);
    for (int64_t k = 0; k < m; ++k) finish(r + k, from + k * n, top[k], total[k]);
  }
}

void softmax_rows(const float* x, float* dst, int64_t rows, int64_t n) {
  each_row<true>(x, dst, rows, n, [&](int64_t r, const float*, float, double total) {
    const float scale = static_cast<float>(1.0 / total);
    float* row = dst + r * n;
    for (int64_t i = 0; i < n; ++i) row[i] *= scale;
  });
}

void log_softmax_rows(const float* x, float* dst, int64_t rows, int64_t n) {
  each_row<false>(x, nullptr, rows, n, [&](int64_t r, const float* from, float top, double total) {
    const float rest = static_cast<float>(__builtin_log(total));
    float* row = dst + r * n;
    for (int64_t i = 0; i < n; ++i) row[i] = (from[i] - top) - rest;
  });
}

// An infinite maximum tells the sum: inf - inf would be NaN.
void logsumexp_rows(const float* x, float* dst, int64_t rows, int64_t n) {
  each_row<false>(x, nullptr, rows, n, [&](int64_t r, const float*, float top, double total) {
    const double sum = static_cast<double>(top) + __builtin_log(total);
    dst[r] = infinite(top) ? top : static_cast<float>(sum);
  });
}

void cross_entropy_rows(const float* x, const int64_t* labels, float* dst, int64_t rows,
                        int64_t n) {
  each_row<false>(x, nullptr, rows, n, [&](int64_t r, const float* from, float top, double total) {
    const auto at_label = static_cast<double>(from[labels[r]]);
    dst[r] = static_cast<float>(__builtin_log(total) - (at_label - static_cast<double>(top)));
  });
}

void cross_entropy_grad_rows(const float* x, const int64_t* labels, const float* g, float* dst,
                             int64_t rows, int64_t n) {
  each_row<true>(x, dst, rows, n, [&](int64_t r, const float*, float, double total) {
    const float scale = static_cast<float>(1.0 / total), by = g[r];
    float* row = dst + r * n;
    const float at_label = by * (row[labels[r]] * scale - 1.0F);
    for (int64_t i = 0; i < n; ++i) row[i] = by * (row[i] * scale);
    row[labels[r]] = at_label;
  });
}

enum class Columns { softmax, log_softmax, logsumexp };

// kVectors vectors of columns that go down together; `load` and `store` are those of whole vectors
// or of the part of one that is left.
template <Columns kWhat, int kVectors, class Load, class Store>
inline void columns(const float* x, float* dst, int64_t n, int64_t stride, Load load, Store store) {
  constexpr int64_t kRun = 64;  // added in float before it goes into the double
  FloatVector top[kVectors], sum[kVectors];
  double total[kVectors * kWidth] = {};
  const auto each = [](auto&& f) {
    for (int k = 0; k < kVectors; ++k) f(k, k * kWidth);
  };
  each([&](int k, int64_t) { top[k] = FloatVector(-kInf); });
  for (int64_t j = 0; j < n; ++j)
    each([&](int k, int64_t at) { top[k] = larger_or_nan(top[k], load(x + j * stride + at)); });
  for (int64_t begin = 0; begin < n; begin += kRun) {
    each([&](int k, int64_t) { sum[k] = FloatVector(0.0F); });
    for (int64_t j = begin; j < n && j < begin + kRun; ++j)
      each([&](int k, int64_t at) {
        const FloatVector e = exp_below_zero(load(x + j * stride + at) - top[k]);
        if constexpr (kWhat == Columns::softmax) store(dst + j * stride + at, e);
        sum[k] = sum[k] + e;
      });
    each([&](int k, int64_t at) {
      float part[kWidth];
      sum[k].store(part);
      for (int64_t i = 0; i < kWidth; ++i) total[at + i] += static_cast<double>(part[i]);
    });
  }
  float part[kVectors * kWidth], tops[kVectors * kWidth];
  each([&](int k, int64_t at) { top[k].store(tops + at); });
  for (int64_t i = 0; i < kVectors * kWidth; ++i) {
    if constexpr (kWhat == Columns::softmax) {
      part[i] = static_cast<float>(1.0 / unless_special(total[i], tops[i]));
    } else if constexpr (kWhat == Columns::log_softmax) {
      part[i] = static_cast<float>(__builtin_log(unless_special(total[i], tops[i])));
    } else {
      const double value = static_cast<double>(tops[i]) + __builtin_log(total[i]);
      part[i] = infinite(tops[i]) ? tops[i] : static_cast<float>(value);
    }
  }
  each([&](int k, int64_t at) { sum[k] = FloatVector::load(part + at); });
  if constexpr (kWhat == Columns::logsumexp) {
    each([&](int k, int64_t at) { store(dst + at, sum[k]); });
    return;
  }
  for (int64_t j = 0; j < n; ++j)
    each([&](int k, int64_t at) {
      const int64_t i = j * stride + at;
      if constexpr (kWhat == Columns::softmax) store(dst + i, load(dst + i) * sum[k]);
      if constexpr (kWhat == Columns::log_softmax) store(dst + i, (load(x + i) - top[k]) - sum[k]);
    });
}

template <Columns kWhat>
void columns(const float* x, float* dst, int64_t n, int64_t stride, int64_t width) {
  constexpr int kVectors = 4;
  const auto load = [](const float* p) { return FloatVector::load(p); };
  const auto store = [](float* p, FloatVector v) { v.store(p); };
  int64_t j = 0;
  for (; j + kVectors * kWidth <= width; j += kVectors * kWidth)
    columns<kWhat, kVectors>(x + j, dst + j, n, stride, load, store);
  for (; j + kWidth <= width; j += kWidth)
    columns<kWhat, 1>(x + j, dst + j, n, stride, load, store);
  if (const int64_t m = width - j; m > 0)
    columns<kWhat, 1>(
        x + j, dst + j, n, stride, [m](const float* p) { return FloatVector::load(p, m); },
        [m](float* p, FloatVector v) { v.store(p, m); });
}

}  // namespace

extern const SoftmaxTable kSoftmaxTable = {softmax_rows,
                                           log_softmax_rows,
                                           logsumexp_rows,
                                           cross_entropy_rows,
                                           cross_entropy_grad_rows,
                                           columns<Columns::softmax>,
                                           columns<Columns::log_softmax>,
                                           columns<Columns::logsumexp>};

}  // namespace andiron::exec::ANDIRON_ISA
