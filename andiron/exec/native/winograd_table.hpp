#pragma once

#include <cstdint>

#include "andiron/exec/native/conv_end.hpp"
#include "andiron/exec/native/isa.hpp"

namespace andiron::exec {

/// A convolution of stride 1 with channels last by Winograd's minimal filtering: tiles of 6x6
/// inputs give m x m outputs, m = 7 - kernel (4 for 3x3, 2 for 5x5), by 36 products where the sum
/// has m^2 kernel^2.
struct WinogradShape {
  static constexpr int64_t kTile = 6, kPositions = kTile * kTile;
  int64_t samples, height, width, channels;  ///< of the inputs
  int64_t out_height, out_width, filters;    ///< of the outputs
  int64_t src_stride, dst_stride;            ///< elements from a pixel to the next
  int64_t pad_top, pad_left;
  int64_t kernel;

  int64_t outputs() const { return kTile + 1 - kernel; }
  int64_t tiles_y() const { return (out_height + outputs() - 1) / outputs(); }
  int64_t tiles_x() const { return (out_width + outputs() - 1) / outputs(); }
  int64_t tiles() const { return samples * tiles_y() * tiles_x(); }
};

/// 36 matrices, one for each position in a tile: rows `stride` elements apart, matrices `plane`.
struct WinogradPlanes {
  float* data;
  int64_t stride, plane;
};

/// The parts of the algorithm, per instruction set. Filters come in panels of two vectors; the last
/// may have one.
struct WinogradTable {
  int64_t vector;  ///< floats
  int64_t rows;    ///< of sums that fit into the registers
  /// v[position][t - first][c] = B' d B of the tiles [first, last) and channels [c_begin, c_end);
  /// c_begin a multiple of `vector`. Rows are written up to a multiple of it.
  void (*transform_src)(const WinogradShape& shape, const float* src, int64_t first, int64_t last,
                        int64_t c_begin, int64_t c_end, const WinogradPlanes& v);
  /// m[position][t][o] = sum over c of v[position][t][c] u[position][o][c] for `rows` tiles and
  /// filters [o_begin, o_end) (o_begin a multiple of a panel); m's column 0 is o_begin.
  /// u: [position][panel][c][lane].
  void (*multiply)(int64_t rows, int64_t channels, int64_t filters, int64_t o_begin, int64_t o_end,
                   const WinogradPlanes& v, const float* u, const WinogradPlanes& m);
  /// dst = end(A' m A) for the tiles [first, last) and filters [o_begin, o_end).
  void (*transform_dst)(const WinogradShape& shape, const WinogradPlanes& m, int64_t first,
                        int64_t last, int64_t o_begin, int64_t o_end, const ConvEnd& end,
                        float* dst);
  /// w[position][t - first][o] = A g A' of the gradients g of the outputs, whose pixels lie
  /// dst_stride apart, for filters [o_begin, o_end), o_begin a multiple of `vector`; sums[o] += g
  /// where `sums` is not null. Rows are written up to a multiple of `vector`.
  void (*transform_grad)(const WinogradShape& shape, const float* grad, int64_t first, int64_t last,
                         int64_t o_begin, int64_t o_end, const WinogradPlanes& w, float* sums);
  /// m[position][c][o] = sum over t of v[position][t][c] w[position][t][o], added to what is there
  /// if told, for the groups of rows [begin, end): a position has `row_groups(channels)` of them.
  void (*multiply_tiles)(int64_t tiles, int64_t channels, int64_t filters, int64_t begin,
                         int64_t end, const WinogradPlanes& v, const WinogradPlanes& w, bool adds,
                         const WinogradPlanes& m);

  int64_t row_groups(int64_t channels) const { return (channels + rows - 1) / rows; }
};

namespace avx2 {
extern const WinogradTable kWinogradTable;
}
namespace avx512 {
extern const WinogradTable kWinogradTable;
}

inline const WinogradTable& winograd_table(Isa isa = current_isa()) {
  return isa == Isa::avx512 ? avx512::kWinogradTable : avx2::kWinogradTable;
}

/// The interpolation points are 0, a, -a, b, -b and infinity. With roots of 1/2 and 2 the rounding
/// error is a quarter of that with the usual 1 and 2.
struct WinogradPoints {
  static constexpr float a = 0.70710678F, b = 1.41421356F;
};

}  // namespace andiron::exec
