#include "andiron/exec/native/float_vector.hpp"
#include "andiron/exec/native/matvec_table.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int64_t kWidth = FloatVector::kWidth;
// As many sums of a run of columns as there are registers for.
constexpr int kMaxVectors = kWidth == 16 ? 16 : 8;

inline float total(FloatVector x) {
  float lane[kWidth];
  x.store(lane);
  for (int64_t width = kWidth / 2; width > 0; width /= 2)
    for (int64_t j = 0; j < width; ++j) lane[j] += lane[j + width];
  return lane[0];
}

inline float ended(float sum, int64_t i, float before, const SumEnd& end) {
  if (end.bias != nullptr) sum += end.bias[i * end.bias_stride];
  if (end.relu) sum = sum < 0.0F ? 0.0F : sum;
  return end.add ? before + sum : sum;
}

template <int kRows>
inline void dot_some(const float* m, int64_t stride, int64_t cols, const float* v, float* sums) {
  FloatVector acc[kRows];
  for (int r = 0; r < kRows; ++r) acc[r] = FloatVector(0.0F);
  int64_t c = 0;
  for (; c + kWidth <= cols; c += kWidth) {
    const FloatVector x = FloatVector::load(v + c);
    for (int r = 0; r < kRows; ++r)
      acc[r] = fused(FloatVector::load(m + r * stride + c), x, acc[r]);
  }
  if (c < cols) {
    const FloatVector x = FloatVector::load(v + c, cols - c);
    for (int r = 0; r < kRows; ++r)
      acc[r] = fused(FloatVector::load(m + r * stride + c, cols - c), x, acc[r]);
  }
  for (int r = 0; r < kRows; ++r) sums[r] = total(acc[r]);
}

void dot_rows(const MatrixView& m, const float* v, float* dst, int64_t dst_stride,
              const SumEnd& end) {
  constexpr int kRows = 8;
  for (int64_t r = 0; r < m.rows; r += kRows) {
    float sums[kRows];
    const float* rows = m.data + r * m.stride;
    const int64_t n = m.rows - r < kRows ? m.rows - r : kRows;
    if (n == kRows) {
      dot_some<kRows>(rows, m.stride, m.cols, v, sums);
    } else {
      for (int64_t i = 0; i < n; ++i)
        dot_some<1>(rows + i * m.stride, m.stride, m.cols, v, sums + i);
    }
    for (int64_t i = 0; i < n; ++i) {
      float& to = dst[(r + i) * dst_stride];
      to = ended(sums[i], r + i, to, end);
    }
  }
}

// kVectors vectors of columns; of the last only `tail` columns (0: all).
template <int kVectors>
void add_some(const MatrixView& m, int64_t first, int64_t tail, const float* v, float* dst,
              const SumEnd& end) {
  // Several sums of one column hide the latency of the multiply-add where there are few columns.
  constexpr int kParts = kVectors <= 2 ? 4 : kVectors <= 4 ? 2 : 1;
  FloatVector acc[kParts][kVectors];
  for (int p = 0; p < kParts; ++p)
    for (int j = 0; j < kVectors; ++j) acc[p][j] = FloatVector(0.0F);
  const float* row = m.data + first;
  const auto add = [&](FloatVector* sums, const float* from, float factor) {
    const FloatVector x(factor);
    for (int j = 0; j + 1 < kVectors; ++j)
      sums[j] = fused(x, FloatVector::load(from + j * kWidth), sums[j]);
    const float* last = from + (kVectors - 1) * kWidth;
    sums[kVectors - 1] =
        fused(x, tail > 0 ? FloatVector::load(last, tail) : FloatVector::load(last),
              sums[kVectors - 1]);
  };
  int64_t r = 0;
  for (; r + kParts <= m.rows; r += kParts, row += kParts * m.stride)
    for (int p = 0; p < kParts; ++p) add(acc[p], row + p * m.stride, v[r + p]);
  for (; r < m.rows; ++r, row += m.stride) add(acc[0], row, v[r]);
  for (int p = kParts / 2; p > 0; p /= 2)
    for (int q = 0; q < p; ++q)
      for (int j = 0; j < kVectors; ++j) acc[q][j] = acc[q][j] + acc[q + p][j];
  float sums[kVectors * kWidth];
  for (int j = 0; j < kVectors; ++j) acc[0][j].store(sums + j * kWidth);
  const int64_t n = (kVectors - 1) * kWidth + (tail > 0 ? tail : kWidth);
  for (int64_t c = 0; c < n; ++c)
    dst[first + c] = ended(sums[c], first + c, end.add ? dst[first + c] : 0.0F, end);
}

template <int kVectors>
void add_columns(const MatrixView& m, int64_t first, int64_t n, const float* v, float* dst,
                 const SumEnd& end) {
  if constexpr (kVectors > 0) {
    if ((n + kWidth - 1) / kWidth == kVectors) {
      add_some<kVectors>(m, first, n % kWidth, v, dst, end);
    } else {
      add_columns<kVectors - 1>(m, first, n, v, dst, end);
    }
  }
}

void add_rows(const MatrixView& m, const float* v, float* dst, const SumEnd& end) {
  constexpr int64_t kBlock = kMaxVectors * kWidth;
  for (int64_t first = 0; first < m.cols; first += kBlock)
    add_columns<kMaxVectors>(m, first, m.cols - first < kBlock ? m.cols - first : kBlock, v, dst,
                             end);
}

void outer(const float* a, int64_t a_stride, int64_t rows, const float* b, int64_t cols, float* dst,
           int64_t dst_stride, bool add) {
  for (int64_t r = 0; r < rows; ++r) {
    const FloatVector x(a[r * a_stride]);
    float* to = dst + r * dst_stride;
    for (int64_t c = 0; c < cols; c += kWidth) {
      const int64_t n = cols - c;
      if (n >= kWidth) {
        const FloatVector y = FloatVector::load(b + c);
        (add ? fused(x, y, FloatVector::load(to + c)) : x * y).store(to + c);
      } else {
        const FloatVector y = FloatVector::load(b + c, n);
        (add ? fused(x, y, FloatVector::load(to + c, n)) : x * y).store(to + c, n);
      }
    }
  }
}

}  // namespace

extern const MatvecTable kMatvecTable = {dot_rows, add_rows, outer};

}  // namespace andiron::exec::ANDIRON_ISA
