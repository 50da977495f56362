#include "andiron/exec/native/depthwise_table.hpp"
#include "andiron/exec/native/float_vector.hpp"

namespace andiron::exec::ANDIRON_ISA {

namespace {

// What the strips of a row share.
struct Row {
  const DepthwiseShape& s;
  const DepthwiseEnd& end;
  const float *image, *weights, *residual;
  float* y;
  int64_t top, first_h, last_h;  // the input row of tap 0; the taps of the window that exist

  FloatVector load(const float* p, int64_t n) const {
    return n == FloatVector::kWidth ? FloatVector::load(p) : FloatVector::load(p, n);
  }

  // Outputs [o, o + n_outputs), each with taps [first_w, last_w) along the row.
  template <int n_outputs>
  void strip(int64_t o, int64_t first_w, int64_t last_w) const {
    const int64_t c = s.channels, step = s.stride_w * c;
    const float* left = image + (o * s.stride_w - s.begin_w) * c;
    for (int64_t at = 0; at < c; at += FloatVector::kWidth) {
      const int64_t n = c - at < FloatVector::kWidth ? c - at : FloatVector::kWidth;
      FloatVector sums[n_outputs];
      for (int i = 0; i < n_outputs; ++i)
        sums[i] = end.bias != nullptr ? load(end.bias + at, n) : FloatVector(0.0F);
      for (int64_t kh = first_h; kh < last_h; ++kh) {
        const float* x = left + (top + kh * s.dilation_h) * s.w * c + at;
        const float* w = weights + kh * s.kernel_w * c + at;
        for (int64_t kw = first_w; kw < last_w; ++kw) {
          const FloatVector weight = load(w + kw * c, n);
          const float* tap = x + kw * s.dilation_w * c;
          for (int i = 0; i < n_outputs; ++i)
            sums[i] = fused(load(tap + i * step, n), weight, sums[i]);
        }
      }
      for (int i = 0; i < n_outputs; ++i) {
        const int64_t place = (o + i) * c + at;
        FloatVector sum = sums[i];
        if (residual != nullptr) sum = sum + load(residual + place, n);
        if (end.clamps) sum = smaller(larger(sum, FloatVector(end.low)), FloatVector(end.high));
        n == FloatVector::kWidth ? sum.store(y + place) : sum.store(y + place, n);
      }
    }
  }

  // One output at an edge.
  void single(int64_t o) const {
    const int64_t left = o * s.stride_w - s.begin_w;
    int64_t first = 0, last = s.kernel_w;
    while (first < last && left + first * s.dilation_w < 0) ++first;
    while (last > first && left + (last - 1) * s.dilation_w >= s.w) --last;
    strip<1>(o, first, last);
  }
};

}  // namespace

void depthwise_row(const DepthwiseShape& s, const DepthwiseEnd& end, const float* image,
                   const float* weights, int64_t row, const float* residual, float* y) {
  Row r{s, end, image, weights, residual, y, row * s.stride_h - s.begin_h, 0, s.kernel_h};
  while (r.first_h < r.last_h && r.top + r.first_h * s.dilation_h < 0) ++r.first_h;
  while (r.last_h > r.first_h && r.top + (r.last_h - 1) * s.dilation_h >= s.h) --r.last_h;
  const int64_t reach = (s.kernel_w - 1) * s.dilation_w;
  auto inside = [&](int64_t o) {
    const int64_t left = o * s.stride_w - s.begin_w;
    return left >= 0 && left + reach < s.w;
  };
  int64_t o = 0;
  while (o < s.out_w) {
    if (!inside(o)) {
      r.single(o++);
    } else if (o + 8 <= s.out_w && inside(o + 7)) {
      r.strip<8>(o, 0, s.kernel_w);
      o += 8;
    } else if (o + 4 <= s.out_w && inside(o + 3)) {
      r.strip<4>(o, 0, s.kernel_w);
      o += 4;
    } else {
      r.strip<1>(o++, 0, s.kernel_w);
    }
  }
}

}  // namespace andiron::exec::ANDIRON_ISA
