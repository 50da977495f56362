#include "andiron/exec/native/float_vector.hpp"
#include "andiron/exec/native/winograd_table.hpp"

// Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks": dst = A' [(G g G') *
// (B' d B)] A, with the sums over channels as products of matrices, one for each position.
namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int64_t kWidth = FloatVector::kWidth, kTile = WinogradShape::kTile;
constexpr int64_t kPanel = 2 * kWidth;
// Rows of sums that fit into the registers beside a panel and a factor.
constexpr int kMaxRows = kWidth == 16 ? 12 : 6;
constexpr float kA = WinogradPoints::a, kB = WinogradPoints::b;
constexpr float kA2 = kA * kA, kB2 = kB * kB;

inline int64_t smaller_of(int64_t a, int64_t b) { return a < b ? a : b; }

// to = B' d
inline void transform_in(const FloatVector* d, FloatVector* to) {
  const FloatVector sum(-(kA2 + kB2)), product(kA2 * kB2), b2(-kB2), a2(-kA2), a(kA), b(kB);
  to[0] = fused(product, d[0], fused(sum, d[2], d[4]));
  const FloatVector even_a = fused(b2, d[2], d[4]), odd_a = a * fused(b2, d[1], d[3]);
  to[1] = even_a + odd_a;
  to[2] = even_a - odd_a;
  const FloatVector even_b = fused(a2, d[2], d[4]), odd_b = b * fused(a2, d[1], d[3]);
  to[3] = even_b + odd_b;
  to[4] = even_b - odd_b;
  to[5] = fused(product, d[1], fused(sum, d[3], d[5]));
}

// to = A' m, kOut numbers
template <int kOut>
inline void transform_out(const FloatVector* m, FloatVector* to) {
  const FloatVector even_a = m[1] + m[2], odd_a = m[1] - m[2];
  const FloatVector even_b = m[3] + m[4], odd_b = m[3] - m[4];
  to[0] = m[0] + even_a + even_b;
  FloatVector last = fused(FloatVector(kB), odd_b, FloatVector(kA) * odd_a);
  if constexpr (kOut == 2) {
    to[1] = last + m[5];
  } else {
    to[1] = last;
    to[2] = fused(FloatVector(kB2), even_b, FloatVector(kA2) * even_a);
    to[3] = fused(FloatVector(kB2 * kB), odd_b, fused(FloatVector(kA2 * kA), odd_a, m[5]));
  }
}

// Where a tile lies.
struct Tile {
  Tile(const WinogradShape& s, int64_t t) {
    const int64_t n_x = s.tiles_x(), n_y = s.tiles_y();
    sample = t / (n_x * n_y);
    y = t / n_x % n_y * s.outputs();
    x = t % n_x * s.outputs();
  }
  int64_t sample, y, x;  // of the first output
};

// v = half B, of columns that B' was applied to.
inline void transform_rows(const FloatVector (&half)[kTile][kTile], float* v, int64_t plane) {
  for (int64_t i = 0; i < kTile; ++i) {
    FloatVector d[kTile], to[kTile];
    for (int64_t j = 0; j < kTile; ++j) d[j] = half[j][i];
    transform_in(d, to);
    for (int64_t j = 0; j < kTile; ++j) to[j].store(v + (i * kTile + j) * plane);
  }
}

void transform_tile_src(const float* const* rows, const bool* columns, int64_t stride, int64_t n,
                        float* v, int64_t plane) {
  FloatVector half[kTile][kTile];  // [column][row]
  for (int64_t j = 0; j < kTile; ++j) {
    FloatVector d[kTile];
    for (int64_t i = 0; i < kTile; ++i) {
      const bool there = rows[i] != nullptr && columns[j];
      d[i] = !there        ? FloatVector(0.0F)
             : n == kWidth ? FloatVector::load(rows[i] + j * stride)
                           : FloatVector::load(rows[i] + j * stride, n);
    }
    transform_in(d, half[j]);
  }
  transform_rows(half, v, plane);
}

// The same for whole vectors of pixels that all exist.
void transform_inner_src(const float* src, int64_t row, int64_t stride, float* v, int64_t plane) {
  FloatVector half[kTile][kTile];
  for (int64_t j = 0; j < kTile; ++j) {
    FloatVector d[kTile];
    for (int64_t i = 0; i < kTile; ++i) d[i] = FloatVector::load(src + i * row + j * stride);
    transform_in(d, half[j]);
  }
  transform_rows(half, v, plane);
}

void transform_src(const WinogradShape& s, const float* src, int64_t first, int64_t last,
                   int64_t c_begin, int64_t c_end, const WinogradPlanes& v) {
  const int64_t row = s.width * s.src_stride;
  for (int64_t t = first; t < last; ++t) {
    const Tile tile(s, t);
    const int64_t y = tile.y - s.pad_top, x = tile.x - s.pad_left;
    const bool inner = y >= 0 && x >= 0 && y + kTile <= s.height && x + kTile <= s.width;
    const float* image = src + tile.sample * s.height * row;
    float* to = v.data + (t - first) * v.stride;
    int64_t c = c_begin;
    if (inner) {
      const float* corner = image + y * row + x * s.src_stride;
      for (; c + kWidth <= c_end; c += kWidth)
        transform_inner_src(corner + c, row, s.src_stride, to + c, v.plane);
    }
    for (; c < c_end; c += kWidth) {
      const float* rows[kTile];
      bool columns[kTile];
      for (int64_t i = 0; i < kTile; ++i) {
        const bool there = y + i >= 0 && y + i < s.height;
        rows[i] = there ? image + (y + i) * row + x * s.src_stride + c : nullptr;
        columns[i] = x + i >= 0 && x + i < s.width;
      }
      transform_tile_src(rows, columns, s.src_stride, smaller_of(kWidth, c_end - c), to + c,
                         v.plane);
    }
  }
}

// kRows rows of sums over c of a[row][c] panel[c].
template <int kRows, int kVectors>
void product(const float* a, int64_t a_stride, int64_t channels, const float* panel, float* to,
             int64_t to_stride) {
  FloatVector sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kVectors; ++j) sum[r][j] = FloatVector(0.0F);
  for (int64_t c = 0; c < channels; ++c) {
    FloatVector b[kVectors];
    for (int j = 0; j < kVectors; ++j)
      b[j] = FloatVector::load(panel + c * kVectors * kWidth + j * kWidth);
    for (int r = 0; r < kRows; ++r) {
      const FloatVector factor(a[r * a_stride + c]);
      for (int j = 0; j < kVectors; ++j) sum[r][j] = fused(factor, b[j], sum[r][j]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kVectors; ++j) sum[r][j].store(to + r * to_stride + j * kWidth);
}

template <int kVectors, int kRows = kMaxRows>
void product_of(int64_t rows, const float* a, int64_t a_stride, int64_t channels,
                const float* panel, float* to, int64_t to_stride) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return product<kRows, kVectors>(a, a_stride, channels, panel, to, to_stride);
    product_of<kVectors, kRows - 1>(rows, a, a_stride, channels, panel, to, to_stride);
  }
}

void multiply(int64_t rows, int64_t channels, int64_t filters, int64_t o_begin, int64_t o_end,
              const WinogradPlanes& v, const float* u, const WinogradPlanes& m) {
  const int64_t vectors = (filters + kWidth - 1) / kWidth, matrix = vectors * kWidth * channels;
  const int64_t blocks = (rows + kMaxRows - 1) / kMaxRows;
  for (int64_t p = 0; p < WinogradShape::kPositions; ++p) {
    for (int64_t o = o_begin; o < o_end; o += kPanel) {
      const float* panel = u + p * matrix + o * channels;
      const bool whole = o + kWidth < vectors * kWidth;
      for (int64_t i = 0; i < blocks; ++i) {
        const int64_t r = rows * i / blocks, n = rows * (i + 1) / blocks - r;
        const float* a = v.data + p * v.plane + r * v.stride;
        float* to = m.data + p * m.plane + r * m.stride + (o - o_begin);
        whole ? product_of<2>(n, a, v.stride, channels, panel, to, m.stride)
              : product_of<1>(n, a, v.stride, channels, panel, to, m.stride);
      }
    }
  }
}

template <int kOut>
void transform_tile_dst(const WinogradShape& s, const float* m, int64_t plane, const Tile& tile,
                        int64_t o, int64_t n, const ConvEnd& end, float* dst) {
  FloatVector half[kTile][kOut];  // [column][row]
  for (int64_t j = 0; j < kTile; ++j) {
    FloatVector d[kTile];
    for (int64_t i = 0; i < kTile; ++i) d[i] = FloatVector::load(m + (i * kTile + j) * plane);
    transform_out<kOut>(d, half[j]);
  }
  const bool full = n == kWidth;
  const FloatVector bias = end.bias == nullptr ? FloatVector(0.0F)
                           : full              ? FloatVector::load(end.bias + o)
                                               : FloatVector::load(end.bias + o, n);
  for (int64_t i = 0; i < kOut && tile.y + i < s.out_height; ++i) {
    FloatVector d[kTile], to[kOut];
    for (int64_t j = 0; j < kTile; ++j) d[j] = half[j][i];
    transform_out<kOut>(d, to);
    for (int64_t j = 0; j < kOut && tile.x + j < s.out_width; ++j) {
      const int64_t pixel = (tile.sample * s.out_height + tile.y + i) * s.out_width + tile.x + j;
      FloatVector y = to[j] + bias;
      if (end.residual != nullptr) {
        const float* at = end.residual + pixel * end.residual_stride + o;
        y = y + (full ? FloatVector::load(at) : FloatVector::load(at, n));
      }
      if (end.clamps) y = smaller(larger(y, FloatVector(end.low)), FloatVector(end.high));
      float* at = dst + pixel * s.dst_stride + o;
      full ? y.store(at) : y.store(at, n);
    }
  }
}

void transform_dst(const WinogradShape& s, const WinogradPlanes& m, int64_t first, int64_t last,
                   int64_t o_begin, int64_t o_end, const ConvEnd& end, float* dst) {
  for (int64_t t = first; t < last; ++t) {
    const Tile tile(s, t);
    const float* of_tile = m.data + (t - first) * m.stride;
    for (int64_t o = o_begin; o < o_end; o += kWidth) {
      const auto transform = s.kernel == 3 ? transform_tile_dst<4> : transform_tile_dst<2>;
      transform(s, of_tile + (o - o_begin), m.plane, tile, o, smaller_of(kWidth, o_end - o), end,
                dst);
    }
  }
}

// to = A g of kOut numbers
template <int kOut>
inline void transform_back(const FloatVector* g, FloatVector* to) {
  const FloatVector a(kA), b(kB);
  FloatVector even_a = g[0], even_b = g[0], odd_a = a * g[1], odd_b = b * g[1];
  if constexpr (kOut == 4) {
    even_a = fused(FloatVector(kA2), g[2], even_a);
    even_b = fused(FloatVector(kB2), g[2], even_b);
    odd_a = fused(FloatVector(kA2 * kA), g[3], odd_a);
    odd_b = fused(FloatVector(kB2 * kB), g[3], odd_b);
  }
  to[0] = g[0];
  to[1] = even_a + odd_a;
  to[2] = even_a - odd_a;
  to[3] = even_b + odd_b;
  to[4] = even_b - odd_b;
  to[5] = g[kOut - 1];
}

// `height` and `width`: how much of the tile is inside. Returns the sum of the gradients.
template <int kOut>
FloatVector transform_tile_grad(const float* grad, int64_t row, int64_t stride, int64_t height,
                                int64_t width, int64_t n, float* w, int64_t plane) {
  FloatVector half[kOut][kTile];  // [column][row]
  FloatVector sum(0.0F);
  for (int64_t j = 0; j < kOut; ++j) {
    FloatVector g[kOut];
    for (int64_t i = 0; i < kOut; ++i) {
      const float* at = grad + i * row + j * stride;
      g[i] = i >= height || j >= width ? FloatVector(0.0F)
             : n == kWidth             ? FloatVector::load(at)
                                       : FloatVector::load(at, n);
      sum = sum + g[i];
    }
    transform_back<kOut>(g, half[j]);
  }
  for (int64_t i = 0; i < kTile; ++i) {
    FloatVector g[kOut], to[kTile];
    for (int64_t j = 0; j < kOut; ++j) g[j] = half[j][i];
    transform_back<kOut>(g, to);
    for (int64_t j = 0; j < kTile; ++j) to[j].store(w + (i * kTile + j) * plane);
  }
  return sum;
}

void transform_grad(const WinogradShape& s, const float* grad, int64_t first, int64_t last,
                    int64_t o_begin, int64_t o_end, const WinogradPlanes& w, float* sums) {
  const int64_t row = s.out_width * s.dst_stride;
  const auto transform = s.kernel == 3 ? transform_tile_grad<4> : transform_tile_grad<2>;
  for (int64_t t = first; t < last; ++t) {
    const Tile tile(s, t);
    const int64_t pixel = (tile.sample * s.out_height + tile.y) * s.out_width + tile.x;
    float* to = w.data + (t - first) * w.stride;
    for (int64_t o = o_begin; o < o_end; o += kWidth) {
      const int64_t n = smaller_of(kWidth, o_end - o);
      const FloatVector sum =
          transform(grad + pixel * s.dst_stride + o, row, s.dst_stride, s.out_height - tile.y,
                    s.out_width - tile.x, n, to + o, w.plane);
      if (sums != nullptr) (FloatVector::load(sums + o, n) + sum).store(sums + o, n);
    }
  }
}

// kRows rows of sums over tiles of v[t][row] panel[t].
template <int kRows, int kVectors>
void product_of_tiles(const float* v, int64_t v_stride, int64_t tiles, const float* w,
                      int64_t w_stride, bool adds, float* to, int64_t to_stride) {
  FloatVector sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kVectors; ++j) sum[r][j] = FloatVector(0.0F);
  for (int64_t t = 0; t < tiles; ++t) {
    FloatVector b[kVectors];
    for (int j = 0; j < kVectors; ++j) b[j] = FloatVector::load(w + t * w_stride + j * kWidth);
    for (int r = 0; r < kRows; ++r) {
      const FloatVector factor(v[t * v_stride + r]);
      for (int j = 0; j < kVectors; ++j) sum[r][j] = fused(factor, b[j], sum[r][j]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < kVectors; ++j) {
      float* at = to + r * to_stride + j * kWidth;
      (adds ? FloatVector::load(at) + sum[r][j] : sum[r][j]).store(at);
    }
}

template <int kVectors, int kRows = kMaxRows>
void product_of_tiles_of(int64_t rows, const float* v, int64_t v_stride, int64_t tiles,
                         const float* w, int64_t w_stride, bool adds, float* to,
                         int64_t to_stride) {
  if constexpr (kRows > 0) {
    if (rows == kRows)
      return product_of_tiles<kRows, kVectors>(v, v_stride, tiles, w, w_stride, adds, to,
                                               to_stride);
    product_of_tiles_of<kVectors, kRows - 1>(rows, v, v_stride, tiles, w, w_stride, adds, to,
                                             to_stride);
  }
}

void multiply_tiles(int64_t tiles, int64_t channels, int64_t filters, int64_t begin, int64_t end,
                    const WinogradPlanes& v, const WinogradPlanes& w, bool adds,
                    const WinogradPlanes& m) {
  const int64_t groups = (channels + kMaxRows - 1) / kMaxRows;
  const int64_t width = (filters + kWidth - 1) / kWidth * kWidth;
  for (int64_t i = begin; i < end;) {
    const int64_t p = i / groups, last = smaller_of(end, (p + 1) * groups);
    for (int64_t o = 0; o < width; o += kPanel) {
      const float* panel = w.data + p * w.plane + o;
      for (int64_t g = i - p * groups; g < last - p * groups; ++g) {
        const int64_t c = channels * g / groups, n = channels * (g + 1) / groups - c;
        const float* from = v.data + p * v.plane + c;
        float* to = m.data + p * m.plane + c * m.stride + o;
        o + kWidth < width
            ? product_of_tiles_of<2>(n, from, v.stride, tiles, panel, w.stride, adds, to, m.stride)
            : product_of_tiles_of<1>(n, from, v.stride, tiles, panel, w.stride, adds, to, m.stride);
      }
    }
    i = last;
  }
}

}  // namespace

extern const WinogradTable kWinogradTable = {kWidth,        kMaxRows,       transform_src, multiply,
                                             transform_dst, transform_grad, multiply_tiles};

}  // namespace andiron::exec::ANDIRON_ISA
