#include "andiron/exec/native/softmax_rows_table.hpp"
#include "andiron/exec/native/vector_math.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

// Of a row's end, fewer than 8 elements: filled up so that one vector operation does them.
inline void load_end(float* part, const float* x, int m, float filling) {
  for (int j = 0; j < 8; ++j) part[j] = j < m ? x[j] : filling;
}

template <int kLanes>
inline float max_by_lanes(const float* x, int64_t n) {
  float lane[kLanes];
  for (int j = 0; j < kLanes; ++j) lane[j] = -kInf;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int j = 0; j < kLanes; ++j) lane[j] = max_of(lane[j], x[i + j]);
  for (int j = 0; i + j < n; ++j) lane[j] = max_of(lane[j], x[i + j]);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lane[j] = max_of(lane[j], lane[j + width]);
  return lane[0];
}

float max_of_row(const float* x, int64_t n) {
  return n < 64 ? max_by_lanes<8>(x, n) : max_by_lanes<32>(x, n);
}

// dst[i] = e^(x[i] - shift) and their sum; dst may be null.
template <bool kStore, int kLanes>
inline double exp_by_lanes(const float* x, float shift, float* dst, int64_t n) {
  constexpr int64_t kRun = 1024;  // added in float before it goes into the double
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = begin + kRun < n ? begin + kRun : n;
    float lane[kLanes] = {};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        const float e = exp_of(x[i + j] - shift);
        if constexpr (kStore) dst[i + j] = e;
        lane[j] += e;
      }
    for (; i + 8 <= end; i += 8)
      for (int j = 0; j < 8; ++j) {
        const float e = exp_of(x[i + j] - shift);
        if constexpr (kStore) dst[i + j] = e;
        lane[j] += e;
      }
    if (const int m = static_cast<int>(end - i); m > 0) {
      float part[8];
      load_end(part, x + i, m, shift);
      for (int j = 0; j < 8; ++j) part[j] = exp_of(part[j] - shift);
      for (int j = 0; j < 8; ++j) lane[j] += j < m ? part[j] : 0.0F;
      if constexpr (kStore)
        for (int j = 0; j < m; ++j) dst[i + j] = part[j];
    }
    double wide[kLanes];
    for (int j = 0; j < kLanes; ++j) wide[j] = static_cast<double>(lane[j]);
    for (int width = kLanes / 2; width > 0; width /= 2)
      for (int j = 0; j < width; ++j) wide[j] += wide[j + width];
    total += wide[0];
  }
  return total;
}

template <bool kStore>
double exp_and_sum(const float* x, float shift, float* dst, int64_t n) {
  return n < 64 ? exp_by_lanes<kStore, 8>(x, shift, dst, n)
                : exp_by_lanes<kStore, 32>(x, shift, dst, n);
}

void softmax_row(const float* x, float* dst, int64_t n) {
  const float scale = static_cast<float>(1.0 / exp_and_sum<true>(x, max_of_row(x, n), dst, n));
  for (int64_t i = 0; i < n; ++i) dst[i] *= scale;
}

void log_softmax_row(const float* x, float* dst, int64_t n) {
  const float top = max_of_row(x, n);
  const float rest = static_cast<float>(__builtin_log(exp_and_sum<false>(x, top, nullptr, n)));
  for (int64_t i = 0; i < n; ++i) dst[i] = (x[i] - top) - rest;
}

float logsumexp_row(const float* x, int64_t n) {
  const float top = max_of_row(x, n);
  const float shift = abs_of(top) == kInf ? 0.0F : top;  // inf - inf would be NaN
  const double total = exp_and_sum<false>(x, shift, nullptr, n);
  return static_cast<float>(static_cast<double>(shift) + __builtin_log(total));
}

float cross_entropy_row(const float* x, int64_t n, int64_t label) {
  const float top = max_of_row(x, n);
  const double total = exp_and_sum<false>(x, top, nullptr, n);
  return static_cast<float>(__builtin_log(total) -
                            (static_cast<double>(x[label]) - static_cast<double>(top)));
}

void cross_entropy_grad_row(const float* x, int64_t n, int64_t label, float g, float* dst) {
  const double total = exp_and_sum<true>(x, max_of_row(x, n), dst, n);
  const float scale = static_cast<float>(1.0 / total);
  const float at_label = g * (dst[label] * scale - 1.0F);
  for (int64_t i = 0; i < n; ++i) dst[i] = g * (dst[i] * scale);
  dst[label] = at_label;
}

// Maxima, then sums of e^(x - maximum), of columns that go down together.
template <bool kLogarithm>
void columns(const float* x, float* dst, int64_t n, int64_t stride, int64_t width) {
  constexpr int64_t kRun = 64;  // added in float before it goes into the double
  float top[SoftmaxTable::kColumns], sum[SoftmaxTable::kColumns];
  double total[SoftmaxTable::kColumns];
  for (int64_t k = 0; k < width; ++k) {
    top[k] = -kInf;
    total[k] = 0;
  }
  for (int64_t j = 0; j < n; ++j)
    for (int64_t k = 0; k < width; ++k) top[k] = max_of(top[k], x[j * stride + k]);
  for (int64_t begin = 0; begin < n; begin += kRun) {
    for (int64_t k = 0; k < width; ++k) sum[k] = 0.0F;
    for (int64_t j = begin; j < n && j < begin + kRun; ++j)
      for (int64_t k = 0; k < width; ++k) {
        const float e = exp_of(x[j * stride + k] - top[k]);
        if constexpr (!kLogarithm) dst[j * stride + k] = e;
        sum[k] += e;
      }
    for (int64_t k = 0; k < width; ++k) total[k] += static_cast<double>(sum[k]);
  }
  for (int64_t k = 0; k < width; ++k)
    sum[k] = static_cast<float>(kLogarithm ? __builtin_log(total[k]) : 1.0 / total[k]);
  for (int64_t j = 0; j < n; ++j)
    for (int64_t k = 0; k < width; ++k) {
      float& y = dst[j * stride + k];
      y = kLogarithm ? (x[j * stride + k] - top[k]) - sum[k] : y * sum[k];
    }
}

void logsumexp_columns(const float* x, float* dst, int64_t n, int64_t stride, int64_t width) {
  constexpr int64_t kRun = 64;
  float shift[SoftmaxTable::kColumns], sum[SoftmaxTable::kColumns];
  double total[SoftmaxTable::kColumns];
  for (int64_t k = 0; k < width; ++k) {
    shift[k] = -kInf;
    total[k] = 0;
  }
  for (int64_t j = 0; j < n; ++j)
    for (int64_t k = 0; k < width; ++k) shift[k] = max_of(shift[k], x[j * stride + k]);
  for (int64_t k = 0; k < width; ++k) shift[k] = abs_of(shift[k]) == kInf ? 0.0F : shift[k];
  for (int64_t begin = 0; begin < n; begin += kRun) {
    for (int64_t k = 0; k < width; ++k) sum[k] = 0.0F;
    for (int64_t j = begin; j < n && j < begin + kRun; ++j)
      for (int64_t k = 0; k < width; ++k) sum[k] += exp_of(x[j * stride + k] - shift[k]);
    for (int64_t k = 0; k < width; ++k) total[k] += static_cast<double>(sum[k]);
  }
  for (int64_t k = 0; k < width; ++k)
    dst[k] = static_cast<float>(static_cast<double>(shift[k]) + __builtin_log(total[k]));
}

}  // namespace

extern const SoftmaxTable kSoftmaxTable = {
    softmax_row,    log_softmax_row, logsumexp_row,    cross_entropy_row, cross_entropy_grad_row,
    columns<false>, columns<true>,   logsumexp_columns};

}  // namespace andiron::exec::ANDIRON_ISA
