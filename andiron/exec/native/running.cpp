#include <algorithm>

#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/transpose8.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 16384, kSharedElements = 65536;  // of a team, of a crew
constexpr int64_t kStrip = 256;  // places beside the axis that go along it together

// dst[i] = fold(x[0], ..., x[i]) along the axis: a strip of neighbours at a time, or, along the
// last axis, eight rows at a time, since one row's additions wait for each other.
template <class Fold>
class Running final : public Kernel {
 public:
  Running(const KernelRequest& request, const AxisView& v, bool exclusive, bool reverse)
      : v_(v), exclusive_(exclusive), reverse_(reverse) {
    strips_ = (v.inner + kStrip - 1) / kStrip;
    units_ = v.inner == 1 ? (v.outer + 7) / 8 : v.outer * strips_;
    const int64_t count = v.outer * v.n * v.inner;
    hands_ = Hands(request, count >= kParallelElements, count >= kSharedElements, units_);
  }

  void run(const KernelCall& call) const override {
    const auto* src = static_cast<const float*>(call.src[0]);
    auto* dst = static_cast<float*>(call.dst[0]);
    hands_.run([&](int part, int parts) {
      const Range range = part_of(units_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        if (v_.inner == 1) {
          lines(src, dst, 8 * i, std::min(v_.outer, 8 * i + 8));
        } else {
          const int64_t first = i % strips_ * kStrip, at = i / strips_ * v_.n * v_.inner + first;
          strip(src + at, dst + at, std::min(kStrip, v_.inner - first));
        }
      }
    });
  }
  std::string_view name() const override { return "running fold"; }

 private:
  void lines(const float* x, float* y, int64_t begin, int64_t end) const {
    if (end - begin == 8) return eight_lines(x + begin * v_.n, y + begin * v_.n);
    for (int64_t r = begin; r < end; ++r) {
      float total = Fold::kStart;
      line(x + r * v_.n, y + r * v_.n, 0, v_.n, total);
    }
  }

  // The places [begin, end) of one row.
  void line(const float* x, float* y, int64_t begin, int64_t end, float& total) const {
    const int64_t step = reverse_ ? -1 : 1;
    for (int64_t j = begin, at = reverse_ ? end - 1 : begin; j < end; ++j, at += step) {
      const float next = Fold::of(total, x[at]);
      y[at] = exclusive_ ? total : next;
      total = next;
    }
  }

  void eight_lines(const float* x, float* y) const {
    const int64_t n = v_.n, whole = n / 8 * 8;
    float total[8];
    std::fill_n(total, 8, Fold::kStart);
    const auto rest = [&] {
      for (int64_t r = 0; r < 8; ++r) line(x + r * n, y + r * n, whole, n, total[r]);
    };
    if (reverse_) rest();
    __m256 running = _mm256_loadu_ps(total);
    for (int64_t j = 0; j < whole; j += 8) {
      const int64_t at = reverse_ ? whole - 8 - j : j;
      __m256 r[8];  // first rows, then columns
      for (int k = 0; k < 8; ++k) r[k] = _mm256_loadu_ps(x + k * n + at);
      transpose8(r);
      for (int k = 0; k < 8; ++k) {
        __m256& column = r[reverse_ ? 7 - k : k];
        const __m256 next = Fold::of(running, column);
        column = exclusive_ ? running : next;
        running = next;
      }
      transpose8(r);
      for (int k = 0; k < 8; ++k) _mm256_storeu_ps(y + k * n + at, r[k]);
    }
    _mm256_storeu_ps(total, running);
    if (!reverse_) rest();
  }

  void strip(const float* x, float* y, int64_t width) const {
    float total[kStrip];
    std::fill_n(total, width, Fold::kStart);
    for (int64_t j = 0; j < v_.n; ++j) {
      const int64_t at = (reverse_ ? v_.n - 1 - j : j) * v_.inner;
#pragma omp simd
      for (int64_t k = 0; k < width; ++k) {
        const float next = Fold::of(total[k], x[at + k]);
        y[at + k] = exclusive_ ? total[k] : next;
        total[k] = next;
      }
    }
  }

  AxisView v_;
  bool exclusive_, reverse_;
  int64_t strips_, units_;
  Hands hands_;
};

struct Sum {
  static constexpr float kStart = 0.0F;
  template <class T>
  static T of(T a, T b) {
    return a + b;
  }
};
struct Product {
  static constexpr float kStart = 1.0F;
  template <class T>
  static T of(T a, T b) {
    return a * b;
  }
};

}  // namespace

AxisView along_axis(const Sizes& sizes, int64_t axis) {
  const auto rank = static_cast<int64_t>(sizes.size());
  axis = normalize_axis("axis", axis, rank);
  AxisView v;
  for (int64_t i = 0; i < rank; ++i)
    (i < axis ? v.outer : (i > axis ? v.inner : v.n)) *= sizes[static_cast<size_t>(i)];
  return v;
}

std::unique_ptr<Kernel> make_running(const KernelRequest& request) {
  const Operand& x = request.src[0];
  if (x.dtype != DType::f32 || x.count() == 0) return nullptr;
  const AxisView v = along_axis(x.sizes, request.node.attr<int64_t>("axis"));
  const bool exclusive = request.node.attr<bool>("exclusive");
  const bool reverse = request.node.attr<bool>("reverse");
  if (request.node.is("cumsum"))
    return std::make_unique<Running<Sum>>(request, v, exclusive, reverse);
  return std::make_unique<Running<Product>>(request, v, exclusive, reverse);
}

}  // namespace andiron::exec
