#include "andiron/exec/native/depthwise_table.hpp"
#include "andiron/exec/native/float_vector.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

constexpr int64_t kWidth = FloatVector::kWidth, kBlock = 16;
constexpr int kVectors = kBlock / kWidth;
// Places whose sums are under way at a time: as many as hide the latency of one.
constexpr int kMaxPlaces = 8;

inline int64_t larger_of(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t smaller_of(int64_t a, int64_t b) { return a < b ? a : b; }

// What a row's places have in common.
struct Row {
  const DepthwiseRow& r;
  const ConvEnd& end;
  int64_t channels;
  float* dst;
  int64_t dst_pixel;
};

inline FloatVector clamped(FloatVector y, const ConvEnd& end) {
  return end.clamps ? smaller(larger(y, FloatVector(end.low)), FloatVector(end.high)) : y;
}

// kPlaces places from `first` on, a vector of whole channels, dilation 1: each pixel is loaded once
// for all places that see it.
template <int kPlaces, int kKernel, int kStride, int kPixel>
inline void inner_places(const Row& row, int64_t first, int v) {
  constexpr int kPixels = (kPlaces - 1) * kStride + kKernel;
  const DepthwiseRow& r = row.r;
  const int64_t pixel = kPixel > 0 ? kPixel : r.pixel;
  const FloatVector bias = FloatVector::load(row.end.bias + v * kWidth);
  FloatVector sum[kPlaces];
#pragma GCC unroll 8
  for (int t = 0; t < kPlaces; ++t) sum[t] = bias;
  const int64_t at = (first * kStride - r.begin) * pixel + v * kWidth;
  const float* w = r.weights + v * kWidth;
  for (int64_t y = 0; y < r.kernel_y; ++y, w += kKernel * kBlock) {
    if (r.lines[y] == nullptr) continue;
    FloatVector weight[kKernel];
#pragma GCC unroll 8
    for (int k = 0; k < kKernel; ++k) weight[k] = FloatVector::load(w + k * kBlock);
    const float* from = r.lines[y] + at;
#pragma GCC unroll 32
    for (int i = 0; i < kPixels; ++i, from += pixel) {
      const FloatVector x = FloatVector::load(from);
#pragma GCC unroll 8
      for (int k = 0; k < kKernel; ++k)
        if (i >= k && (i - k) % kStride == 0 && (i - k) / kStride < kPlaces) {
          FloatVector& s = sum[(i - k) / kStride];
          s = fused(x, weight[k], s);
        }
    }
  }
  float* to = row.dst + first * row.dst_pixel + v * kWidth;
  const FloatVector low(row.end.low), high(row.end.high);
  if (row.end.clamps) {
#pragma GCC unroll 8
    for (int t = 0; t < kPlaces; ++t)
      smaller(larger(sum[t], low), high).store(to + t * row.dst_pixel);
  } else {
#pragma GCC unroll 8
    for (int t = 0; t < kPlaces; ++t) sum[t].store(to + t * row.dst_pixel);
  }
}

template <int kKernel, int kStride, int kPixel, int kPlaces = kMaxPlaces>
void inner_places_of(int64_t n, const Row& row, int64_t first) {
  if constexpr (kPlaces > 0) {
    if (n != kPlaces) return inner_places_of<kKernel, kStride, kPixel, kPlaces - 1>(n, row, first);
    for (int v = 0; v < kVectors; ++v)
      inner_places<kPlaces, kKernel, kStride, kPixel>(row, first, v);
  }
}

// n places from `first` on, of which the taps [k_begin, k_end) of each line exist: any window, and
// channels that are not whole vectors.
void any_places(int64_t n, const Row& row, int64_t first, int64_t k_begin, int64_t k_end) {
  const DepthwiseRow& r = row.r;
  const int64_t step = r.stride * r.pixel, tap = r.dilation * r.pixel;
  const int64_t at = (first * r.stride - r.begin + k_begin * r.dilation) * r.pixel;
  for (int v = 0; v < kVectors; ++v) {
    const int64_t lanes = smaller_of(kWidth, row.channels - v * kWidth);
    if (lanes <= 0) break;
    const bool whole = lanes == kWidth;
    FloatVector sum[kMaxPlaces];
    for (int64_t t = 0; t < n; ++t) sum[t] = FloatVector::load(row.end.bias + v * kWidth);
    for (int64_t y = 0; y < r.kernel_y; ++y) {
      if (r.lines[y] == nullptr) continue;
      const float* x = r.lines[y] + at + v * kWidth;
      const float* w = r.weights + (y * r.kernel_x + k_begin) * kBlock + v * kWidth;
      for (int64_t k = k_begin; k < k_end; ++k, x += tap, w += kBlock) {
        const FloatVector weight = FloatVector::load(w);
        const float* from = x;
        for (int64_t t = 0; t < n; ++t, from += step)
          sum[t] = fused(whole ? FloatVector::load(from) : FloatVector::load(from, lanes), weight,
                         sum[t]);
      }
    }
    float* to = row.dst + first * row.dst_pixel + v * kWidth;
    for (int64_t t = 0; t < n; ++t, to += row.dst_pixel) {
      const FloatVector y = clamped(sum[t], row.end);
      whole ? y.store(to) : y.store(to, lanes);
    }
  }
}

// A place of which some taps are padding.
void edge(const Row& row, int64_t x) {
  const DepthwiseRow& r = row.r;
  const int64_t at = x * r.stride - r.begin;
  int64_t k_begin = 0, k_end = r.kernel_x;
  while (k_begin < k_end && at + k_begin * r.dilation < 0) ++k_begin;
  while (k_end > k_begin && at + (k_end - 1) * r.dilation >= r.width) --k_end;
  any_places(1, row, x, k_begin, k_end);
}

// Null where nothing is made for such a window.
template <int kPixel>
auto places_for(const DepthwiseRow& r) -> void (*)(int64_t, const Row&, int64_t) {
  if (r.kernel_x == 3 && r.stride == 1) return inner_places_of<3, 1, kPixel>;
  if (r.kernel_x == 3 && r.stride == 2) return inner_places_of<3, 2, kPixel>;
  if (r.kernel_x == 5 && r.stride == 1) return inner_places_of<5, 1, kPixel>;
  if (r.kernel_x == 5 && r.stride == 2) return inner_places_of<5, 2, kPixel>;
  return nullptr;
}

void row(const DepthwiseRow& r, int64_t channels, const ConvEnd& end, float* dst,
         int64_t dst_pixel) {
  const Row row{r, end, channels, dst, dst_pixel};
  for (int64_t x = 0; x < r.inner; ++x) edge(row, x);
  using Places = void (*)(int64_t, const Row&, int64_t);
  Places places = nullptr;
  if (channels == kBlock && r.dilation == 1)
    places = r.pixel == kBlock ? places_for<kBlock>(r) : places_for<0>(r);
  const int64_t behind = r.behind_inner;
  // Nearly equal tiles: few places cannot hide the latency of their sums.
  const auto inner = static_cast<uint32_t>(behind - r.inner);
  const uint32_t tiles = (inner + kMaxPlaces - 1) / kMaxPlaces;
  const int64_t each = tiles == 0 ? 1 : (inner + tiles - 1) / tiles;
  for (int64_t x = r.inner; x < behind; x += each) {
    const int64_t n = smaller_of(each, behind - x);
    places != nullptr ? places(n, row, x) : any_places(n, row, x, 0, r.kernel_x);
  }
  for (int64_t x = larger_of(behind, r.inner); x < r.n; ++x) edge(row, x);
}

}  // namespace

extern const DepthwiseTable kDepthwiseTable = {row};

}  // namespace andiron::exec::ANDIRON_ISA
