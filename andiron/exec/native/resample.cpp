#include <algorithm>
#include <cstring>

#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/transpose8.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedElements = 16384;

/// What each place of the result is made of: the taps [begin[o], begin[o + 1]).
struct Taps {
  std::vector<int64_t> begin, place;
  std::vector<float> weight;
};

// Weights of 0 are taps that a row does not have: infinities there must not make NaN.
Taps taps_of(const Node& node) {
  const auto& first = node.attr<std::vector<int64_t>>("first");
  const auto& weights = node.attr<std::vector<double>>("weights");
  const auto narrow = static_cast<int64_t>(first.size());
  const int64_t n = static_cast<int64_t>(weights.size()) / narrow;
  const bool transpose = node.attr<bool>("transpose");
  std::vector<std::vector<std::pair<int64_t, float>>> rows(
      static_cast<size_t>(transpose ? node.attr<int64_t>("size") : narrow));
  for (int64_t o = 0; o < narrow; ++o)
    for (int64_t t = 0; t < n; ++t) {
      const auto w = static_cast<float>(weights[static_cast<size_t>(o * n + t)]);
      if (w == 0.0F) continue;
      const int64_t wide = first[static_cast<size_t>(o)] + t;
      rows[static_cast<size_t>(transpose ? wide : o)].emplace_back(transpose ? o : wide, w);
    }
  Taps taps;
  for (const auto& row : rows) {
    taps.begin.push_back(static_cast<int64_t>(taps.place.size()));
    for (const auto& [place, w] : row) {
      taps.place.push_back(place);
      taps.weight.push_back(w);
    }
  }
  taps.begin.push_back(static_cast<int64_t>(taps.place.size()));
  return taps;
}

// Along the last axis eight rows go together, turned so that a tap is one vector of them; along
// another axis a tap is a whole row of neighbours.
class Resample final : public Kernel {
 public:
  Resample(const KernelRequest& request, const AxisView& src, int64_t n_dst, Taps taps)
      : v_(src), n_dst_(n_dst), taps_(std::move(taps)) {
    units_ = v_.inner == 1 ? (v_.outer + 7) / 8 : v_.outer * n_dst_;
    hands_ =
        Hands(request, v_.outer * std::max(n_dst_, v_.n) * v_.inner >= kSharedElements, units_);
  }
  size_t scratch_bytes() const override {
    return v_.inner == 1 ? static_cast<size_t>(hands_.parts() * v_.n) * 8 * sizeof(float) : 0;
  }

  void run(const KernelCall& call) const override {
    const auto* src = static_cast<const float*>(call.src[0]);
    auto* dst = static_cast<float*>(call.dst[0]);
    hands_.run([&](int part, int parts) {
      const Range range = part_of(units_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        if (v_.inner == 1) {
          float* turned = reinterpret_cast<float*>(call.scratch) + part * v_.n * 8;
          eight(src, dst, 8 * i, std::min<int64_t>(8, v_.outer - 8 * i), turned);
        } else {
          const float* x = src + i / n_dst_ * v_.n * v_.inner;
          neighbours(x, dst + i * v_.inner, static_cast<size_t>(i % n_dst_));
        }
      }
    });
  }
  std::string_view name() const override { return "resample"; }

 private:
  void neighbours(const float* x, float* y, size_t o) const {
    const int64_t n = v_.inner;
    int64_t t = taps_.begin[o];
    const int64_t end = taps_.begin[o + 1];
    const auto row = [&](int64_t tap) { return x + taps_.place[static_cast<size_t>(tap)] * n; };
    const auto weight = [&](int64_t tap) { return taps_.weight[static_cast<size_t>(tap)]; };
    if (end - t >= 2) {
      pair(row(t), weight(t), row(t + 1), weight(t + 1), y, false);
      t += 2;
    } else if (end > t) {
      const float *a = row(t), w = weight(t);
      for (int64_t k = 0; k < n; ++k) y[k] = w * a[k];
      ++t;
    } else {
      std::fill_n(y, n, 0.0F);
    }
    for (; t + 2 <= end; t += 2) pair(row(t), weight(t), row(t + 1), weight(t + 1), y, true);
    if (t == end) return;
    const float *a = row(t), w = weight(t);
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) y[k] += w * a[k];
  }

  void pair(const float* a, float p, const float* b, float q, float* y, bool more) const {
    const int64_t n = v_.inner;
    if (more) {
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) y[k] += p * a[k] + q * b[k];
    } else {
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) y[k] = p * a[k] + q * b[k];
    }
  }

  // Rows [first, first + m), m <= 8; the last stands for those that are missing.
  void eight(const float* src, float* dst, int64_t first, int64_t m, float* turned) const {
    const int64_t n = v_.n;
    const float* x[8];
    for (int64_t k = 0; k < 8; ++k) x[k] = src + (first + std::min(k, m - 1)) * n;
    int64_t j = 0;
    for (; j + 8 <= n; j += 8) {
      __m256 r[8];
      for (int k = 0; k < 8; ++k) r[k] = _mm256_loadu_ps(x[k] + j);
      transpose8(r);
      for (int k = 0; k < 8; ++k) _mm256_storeu_ps(turned + (j + k) * 8, r[k]);
    }
    for (; j < n; ++j)
      for (int k = 0; k < 8; ++k) turned[j * 8 + k] = x[k][j];

    float* y = dst + first * n_dst_;
    for (int64_t o = 0; o < n_dst_; o += 8) {
      const int64_t width = std::min<int64_t>(8, n_dst_ - o);
      __m256 r[8];
      for (int64_t k = 0; k < 8; ++k)
        r[k] = k < width ? place(turned, static_cast<size_t>(o + k)) : _mm256_setzero_ps();
      transpose8(r);
      for (int64_t k = 0; k < m; ++k) {
        if (width == 8) {
          _mm256_storeu_ps(y + k * n_dst_ + o, r[k]);
        } else {
          float part[8];
          _mm256_storeu_ps(part, r[k]);
          std::copy_n(part, width, y + k * n_dst_ + o);
        }
      }
    }
  }

  __m256 place(const float* turned, size_t o) const {
    __m256 sum = _mm256_setzero_ps();
    for (int64_t t = taps_.begin[o]; t < taps_.begin[o + 1]; ++t) {
      const auto i = static_cast<size_t>(t);
      sum = _mm256_fmadd_ps(_mm256_set1_ps(taps_.weight[i]),
                            _mm256_loadu_ps(turned + taps_.place[i] * 8), sum);
    }
    return sum;
  }

  AxisView v_;  ///< of the source
  int64_t n_dst_, units_;
  Taps taps_;
  Hands hands_;
};

}  // namespace

std::unique_ptr<Kernel> make_resample(const KernelRequest& request) {
  const Operand &x = request.src[0], &dst = request.dst[0];
  if (x.dtype != DType::f32 || x.count() == 0 || dst.count() == 0) return nullptr;
  const auto axis = request.node.attr<int64_t>("axis");
  return std::make_unique<Resample>(request, along_axis(x.sizes, axis),
                                    along_axis(dst.sizes, axis).n, taps_of(request.node));
}

}  // namespace andiron::exec
