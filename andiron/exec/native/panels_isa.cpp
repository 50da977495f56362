#include "andiron/exec/native/float_vector.hpp"
#include "andiron/exec/native/panels_table.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int64_t kWidth = FloatVector::kWidth;

// Rows of sums that fit into the registers beside a panel's vectors and a factor.
constexpr int max_rows(int vectors) {
  return kWidth == 16 ? (vectors == 3 ? 8 : 12) : (vectors == 3 ? 4 : vectors == 2 ? 6 : 8);
}

// sum[r] += x[r * row] panel
template <int kRows, int kVectors>
inline void add(const float* x, int64_t row, const float* panel,
                FloatVector (&sum)[kRows][kVectors]) {
  FloatVector b[kVectors];
#pragma GCC unroll 3
  for (int j = 0; j < kVectors; ++j) b[j] = FloatVector::load(panel + j * kWidth);
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    const FloatVector factor(x[r * row]);
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) sum[r][j] = fused(factor, b[j], sum[r][j]);
  }
}

// The sums of kRows rows from `first` on, each stored by store(row, vector, sum, address). Loops
// are unrolled by name: the compiler keeps the sums in registers only if all are.
template <int kRows, int kVectors, class End>
inline void product(const PanelRows& a, int64_t first, const float* panel, const ConvEnd& end,
                    const PanelDst& dst, const End& store) {
  FloatVector sum[kRows][kVectors];
#pragma GCC unroll 3
  for (int j = 0; j < kVectors; ++j) {
    const FloatVector bias = FloatVector::load(end.bias + j * kWidth);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) sum[r][j] = bias;
  }
  const int64_t row = a.row;
  const float* segment = a.data + first * row;
  const int64_t next = a.segments * a.depth * kVectors * kWidth;
  int64_t s = a.segments;
  do {  // there is one or more
    const float* x = segment;
    const float* last = x + a.depth;
    do {
      // The panel behind this one, while its first rows are at work.
      __builtin_prefetch(panel + next, 0, 2);
      add(x, row, panel, sum);
      panel += kVectors * kWidth;
    } while (++x != last);
    segment += a.segment;
  } while (--s != 0);
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    float* to = dst.data + (dst.at == nullptr ? (first + r) * dst.row : dst.at[first + r]);
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j)
      store(r, j, sum[r][j],
            to + j * kWidth % kChannelBlock + j * kWidth / kChannelBlock * dst.block);
  }
}

template <int kRows, int kVectors>
void product(const PanelRows& a, int64_t first, const float* panel, int64_t filters,
             const ConvEnd& end, const PanelDst& dst) {
  const FloatVector low(end.low), high(end.high);
  auto clamped = [&](FloatVector y) { return smaller(larger(y, low), high); };
  auto residual = [&](int r, int j) {
    return end.residual + (first + r) * end.residual_stride + j * kWidth;
  };
  if (filters == kVectors * kWidth) {
    auto with = [&](auto store) { product<kRows, kVectors>(a, first, panel, end, dst, store); };
    if (end.residual == nullptr)
      return end.clamps ? with([&](int, int, FloatVector y, float* at) { clamped(y).store(at); })
                        : with([&](int, int, FloatVector y, float* at) { y.store(at); });
    return end.clamps ? with([&](int r, int j, FloatVector y, float* at) {
      clamped(y + FloatVector::load(residual(r, j))).store(at);
    })
                      : with([&](int r, int j, FloatVector y, float* at) {
                          (y + FloatVector::load(residual(r, j))).store(at);
                        });
  }
  const auto rest = [&](int r, int j, FloatVector y, float* at) {
    const int64_t lanes = filters - j * kWidth;
    if (lanes <= 0) return;
    if (end.residual != nullptr)
      y = y + FloatVector::load(residual(r, j), lanes < kWidth ? lanes : kWidth);
    if (end.clamps) y = clamped(y);
    lanes >= kWidth ? y.store(at) : y.store(at, lanes);
  };
  product<kRows, kVectors>(a, first, panel, end, dst, rest);
}

template <int kVectors, int kRows = max_rows(kVectors)>
void product_of(int64_t rows, const PanelRows& a, int64_t first, const float* panel,
                int64_t filters, const ConvEnd& end, const PanelDst& dst) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return product<kRows, kVectors>(a, first, panel, filters, end, dst);
    product_of<kVectors, kRows - 1>(rows, a, first, panel, filters, end, dst);
  }
}

template <int kVectors>
void multiply_by(const PanelRows& a, int64_t n, const float* panel, int64_t filters,
                 const ConvEnd& end, const PanelDst& dst) {
  // Blocks of nearly equal size: few rows cannot hide the latency of their sums.
  const auto rows = static_cast<uint32_t>(n);
  const uint32_t blocks = (rows + max_rows(kVectors) - 1) / max_rows(kVectors);
  if (blocks == 0) return;
  const int64_t each = rows / blocks, longer = rows % blocks;
  int64_t first = 0;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t count = each + (i < longer ? 1 : 0);
    product_of<kVectors>(count, a, first, panel, filters, end, dst);
    first += count;
  }
}

void multiply(const PanelRows& a, int64_t n, const float* panel, int64_t vectors, int64_t filters,
              const ConvEnd& end, const PanelDst& dst) {
  const auto by = vectors == 3 ? multiply_by<3> : vectors == 2 ? multiply_by<2> : multiply_by<1>;
  by(a, n, panel, filters, end, dst);
}

}  // namespace

extern const PanelsTable kPanelsTable = {kWidth, multiply};

}  // namespace andiron::exec::ANDIRON_ISA
