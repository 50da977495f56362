#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "andiron/exec/native/isa.hpp"

/// Sums, products and extremes of floats, one table per instruction set. A NaN among the elements
/// makes the extreme NaN.
namespace andiron::exec {

enum class Fold : uint8_t { sum, max, min, product };
constexpr size_t kFolds = 4;
/// The fold of nothing.
inline double empty_fold(Fold fold) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  return fold == Fold::sum ? 0.0 : fold == Fold::product ? 1.0 : fold == Fold::max ? -kInf : kInf;
}

struct FoldTable {
  /// Per Fold: the fold of n floats that lie side by side; runs of 1024 (2048 with AVX-512) by
  /// lanes in float, then pairwise in double.
  double (*all[kFolds])(const float* src, int64_t n);
  /// Per Fold: that of each of n_rows rows, which begin `stride` apart; the same bits for a row
  /// wherever it stands, but not those of `all`.
  void (*each[kFolds])(const float* src, int64_t n_rows, int64_t stride, int64_t n, double* dst);
  /// Per Fold: acc[j] = fold(acc[j], src[i * stride + j]) over rows i, four rows at a time.
  void (*rows[kFolds])(float* acc, const float* src, int64_t rows, int64_t stride, int64_t cols);
  /// Per Fold: total[j] = fold(total[j], acc[j]).
  void (*into[kFolds])(double* total, const float* acc, int64_t n);
  /// The place of the first of the greatest; NaN is the greatest of all. REQUIRES n > 0.
  int64_t (*argmax)(const float* src, int64_t n);
};

namespace avx2 {
extern const FoldTable kFoldTable;
}
namespace avx512 {
extern const FoldTable kFoldTable;
}

inline const FoldTable& fold_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kFoldTable : avx2::kFoldTable;
}

}  // namespace andiron::exec
