#include "andiron/exec/native/fold_lanes.hpp"
#include "andiron/exec/native/folds.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int64_t kWidth = FloatVector::kWidth;

template <Fold kFold>
double fold_all(const float* src, int64_t n) {
  constexpr int64_t kRun = 32 * LaneFold<kFold>::kStep;
  double total = static_cast<double>(kEmpty<kFold>);
  for (int64_t begin = 0; begin < n; begin += kRun) {
    LaneFold<kFold> fold;
    fold.take(src + begin, n - begin < kRun ? n - begin : kRun);
    if (fold.has_nan()) return __builtin_nan("");
    total = Folding<kFold>{}(total, fold.total());
  }
  return total;
}

// Up to four short rows at a time: their ends take as long as the rows otherwise. A row's bits do
// not depend on kRows, nor so on its place, which tiles and their number of rows decide.
template <Fold kFold, int kRows>
inline void fold_short(const float* src, int64_t stride, int64_t n, double* dst) {
  const FloatVector none(kEmpty<kFold>);
  FloatVector even[kRows], odd[kRows];
  Lanes nan[kRows];
  for (int k = 0; k < kRows; ++k) even[k] = odd[k] = none;
  const auto take = [&](int k, FloatVector a, FloatVector b) {
    even[k] = folded<kFold>(even[k], a);
    odd[k] = folded<kFold>(odd[k], b);
    if constexpr (kExtreme<kFold>) nan[k] = either(nan[k], unordered(a, b));
  };
  int64_t i = 0;
  for (; i + 2 * kWidth <= n; i += 2 * kWidth)
    for (int k = 0; k < kRows; ++k)
      take(k, FloatVector::load(src + k * stride + i),
           FloatVector::load(src + k * stride + i + kWidth));
  for (; i < n; i += kWidth)
    for (int k = 0; k < kRows; ++k) {
      const float* p = src + k * stride + i;
      take(k, n - i < kWidth ? FloatVector::load(p, n - i, none) : FloatVector::load(p), none);
    }
  const Folding<kFold> f;
  __m256d row[4];
  for (int k = 0; k < kRows; ++k) {
    if constexpr (kFold == Fold::product)
      row[k] = f(even[k].folded_to_four(f), odd[k].folded_to_four(f));
    else
      row[k] = folded<kFold>(even[k], odd[k]).folded_to_four(f);
  }
  if constexpr (kRows == 4) {
    _mm256_storeu_pd(dst, fold_each(row[0], row[1], row[2], row[3], f));
  } else {
    for (int k = kRows; k < 4; ++k) row[k] = row[0];
    double all[4];
    _mm256_storeu_pd(all, fold_each(row[0], row[1], row[2], row[3], f));
    for (int k = 0; k < kRows; ++k) dst[k] = all[k];
  }
  if constexpr (kExtreme<kFold>)
    for (int k = 0; k < kRows; ++k)
      if (nan[k].bits() != 0) dst[k] = __builtin_nan("");
}

template <Fold kFold>
void fold_each_row(const float* src, int64_t n_rows, int64_t stride, int64_t n, double* dst) {
  constexpr int64_t kShort = 32 * LaneFold<kFold>::kStep;
  int64_t r = 0;
  if (n > kShort)
    for (; r < n_rows; ++r) dst[r] = fold_all<kFold>(src + r * stride, n);
  for (; r + 4 <= n_rows; r += 4) fold_short<kFold, 4>(src + r * stride, stride, n, dst + r);
  const float* rest = src + r * stride;
  if (n_rows - r == 3) fold_short<kFold, 3>(rest, stride, n, dst + r);
  if (n_rows - r == 2) fold_short<kFold, 2>(rest, stride, n, dst + r);
  if (n_rows - r == 1) fold_short<kFold, 1>(rest, stride, n, dst + r);
}

// acc with a NaN keeps it: the instructions give their second operand then.
template <Fold kFold>
inline FloatVector with(FloatVector acc, FloatVector x) {
  if constexpr (!kExtreme<kFold>) return folded<kFold>(acc, x);
  return nan_in(folded<kFold>(x, acc), unordered(x, x));
}

template <Fold kFold>
inline FloatVector with(FloatVector acc, FloatVector p, FloatVector q, FloatVector r,
                        FloatVector s) {
  const FloatVector four = folded<kFold>(folded<kFold>(p, q), folded<kFold>(r, s));
  if constexpr (!kExtreme<kFold>) return folded<kFold>(acc, four);
  return nan_in(folded<kFold>(four, acc), either(unordered(p, q), unordered(r, s)));
}

// `load` reads a vector, or the part of one that is left.
template <Fold kFold, class Load>
inline FloatVector column(FloatVector acc, const float* src, int64_t rows, int64_t stride,
                          Load load) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4, src += 4 * stride)
    acc = with<kFold>(acc, load(src), load(src + stride), load(src + 2 * stride),
                      load(src + 3 * stride));
  for (; i < rows; ++i, src += stride) acc = with<kFold>(acc, load(src));
  return acc;
}

template <Fold kFold>
void fold_rows(float* acc, const float* src, int64_t rows, int64_t stride, int64_t cols) {
  const auto whole = [](const float* p) { return FloatVector::load(p); };
  const int64_t vectors = cols / kWidth * kWidth, rest = cols - vectors;
  if (vectors <= 2 * kWidth) {
    for (int64_t j = 0; j < vectors; j += kWidth)
      column<kFold>(FloatVector::load(acc + j), src + j, rows, stride, whole).store(acc + j);
  } else {
    // Along the rows, as memory is read best.
    for (int64_t i = 0; i < rows; i += 4) {
      const float* from = src + i * stride;
      const int64_t n = rows - i < 4 ? rows - i : 4;
      for (int64_t j = 0; n == 4 && j < vectors; j += kWidth)
        with<kFold>(FloatVector::load(acc + j), FloatVector::load(from + j),
                    FloatVector::load(from + stride + j), FloatVector::load(from + 2 * stride + j),
                    FloatVector::load(from + 3 * stride + j))
            .store(acc + j);
      for (int64_t j = 0; n < 4 && j < vectors; j += kWidth)
        column<kFold>(FloatVector::load(acc + j), from + j, n, stride, whole).store(acc + j);
    }
  }
  if (rest == 0) return;
  const auto part = [rest](const float* p) { return FloatVector::load(p, rest); };
  column<kFold>(part(acc + vectors), src + vectors, rows, stride, part).store(acc + vectors, rest);
}

template <Fold kFold>
void fold_into(double* total, const float* acc, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double a = total[i], b = static_cast<double>(acc[i]);
    if constexpr (kFold == Fold::sum) total[i] = a + b;
    if constexpr (kFold == Fold::product) total[i] = a * b;
    if constexpr (kFold == Fold::max) total[i] = (a > b) | (a != a) ? a : b;
    if constexpr (kFold == Fold::min) total[i] = (a < b) | (a != a) ? a : b;
  }
}

int64_t argmax(const float* x, int64_t n) {
  LaneFold<Fold::max> fold;
  fold.take(x, n);
  int64_t i = 0;
  if (fold.has_nan()) {
    for (; i + kWidth <= n; i += kWidth) {
      const FloatVector v = FloatVector::load(x + i);
      if (const uint32_t lanes = unordered(v, v).bits(); lanes != 0)
        return i + __builtin_ctz(lanes);
    }
    while (x[i] == x[i]) ++i;
    return i;
  }
  const auto top = static_cast<float>(fold.total());
  for (; i + kWidth <= n; i += kWidth)
    if (const uint32_t lanes = equal(FloatVector::load(x + i), FloatVector(top)).bits(); lanes != 0)
      return i + __builtin_ctz(lanes);
  while (x[i] != top) ++i;
  return i;
}

}  // namespace

extern const FoldTable kFoldTable = {
    {fold_all<Fold::sum>, fold_all<Fold::max>, fold_all<Fold::min>, fold_all<Fold::product>},
    {fold_each_row<Fold::sum>, fold_each_row<Fold::max>, fold_each_row<Fold::min>,
     fold_each_row<Fold::product>},
    {fold_rows<Fold::sum>, fold_rows<Fold::max>, fold_rows<Fold::min>, fold_rows<Fold::product>},
    {fold_into<Fold::sum>, fold_into<Fold::max>, fold_into<Fold::min>, fold_into<Fold::product>},
    argmax};

}  // namespace andiron::exec::ANDIRON_ISA
