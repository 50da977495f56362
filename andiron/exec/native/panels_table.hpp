#pragma once

#include <cstdint>

#include "andiron/exec/native/conv_end.hpp"
#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// Channels that lie side by side in blocked values [block][pixel][16]: a cache line.
inline constexpr int64_t kChannelBlock = 16;

/// The rows of a product: number k = s * depth + d of row r is data[r * row + s * segment + d], for
/// s < segments. Pixels with channels last are one segment, windows one for each of their lines,
/// blocked values one for each block.
struct PanelRows {
  const float* data;
  int64_t row, depth, segments, segment;
};

/// Where the sums of row r go: to data + at[r], or data + r * row without `at`; those of a further
/// block of 16 filters `block` floats behind.
struct PanelDst {
  float* data;
  int64_t row;
  const int32_t* at = nullptr;
  int64_t block = kChannelBlock;
};

/// Products of rows with a panel of weights, per instruction set. A panel has 1 to 3 vectors of
/// filters: [k][lane].
struct PanelsTable {
  int64_t vector;  ///< floats
  /// dst[r][o] = end(sum over k of rows[r][k] panel[k][o]) for `filters` filters of a panel of
  /// `vectors` vectors. The bias is there, and readable for the whole panel; the residual begins
  /// at dst's filter. There are one or more rows, segments and numbers in a segment.
  void (*multiply)(const PanelRows& rows, int64_t n, const float* panel, int64_t vectors,
                   int64_t filters, const ConvEnd& end, const PanelDst& dst);
};

namespace avx2 {
extern const PanelsTable kPanelsTable;
}
namespace avx512 {
extern const PanelsTable kPanelsTable;
}

inline const PanelsTable& panels_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kPanelsTable : avx2::kPanelsTable;
}

}  // namespace andiron::exec
