#include <algorithm>

#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/parallel.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 16384;
constexpr int64_t kStrip = 256;  // places beside the axis that go along it together

// dst[i] = fold(x[0], ..., x[i]) along the axis, one strip of neighbours at a time.
template <class Fold>
class Running final : public Kernel {
 public:
  Running(const AxisView& v, bool exclusive, bool reverse, int threads)
      : v_(v), exclusive_(exclusive), reverse_(reverse) {
    strips_ = (v.inner + kStrip - 1) / kStrip;
    threads_ = v.outer * v.n * v.inner < kParallelElements ? 1 : threads;
    threads_ = static_cast<int>(std::clamp<int64_t>(threads_, 1, v.outer * strips_));
  }

  void run(const KernelCall& call) const override {
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(v_.outer * strips_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t at = i / strips_ * v_.n * v_.inner + i % strips_ * kStrip;
        const auto* x = static_cast<const float*>(call.src[0]) + at;
        auto* y = static_cast<float*>(call.dst[0]) + at;
        if (v_.inner == 1) {
          line(x, y);
        } else {
          strip(x, y, std::min(kStrip, v_.inner - i % strips_ * kStrip));
        }
      }
    });
  }
  std::string_view name() const override { return "running fold"; }

 private:
  void line(const float* x, float* y) const {
    const int64_t step = reverse_ ? -1 : 1;
    float total = Fold::kStart;
    for (int64_t j = 0, at = reverse_ ? v_.n - 1 : 0; j < v_.n; ++j, at += step) {
      const float next = Fold::of(total, x[at]);
      y[at] = exclusive_ ? total : next;
      total = next;
    }
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
  int64_t strips_;
  int threads_;
};

struct Sum {
  static constexpr float kStart = 0.0F;
  static float of(float a, float b) { return a + b; }
};
struct Product {
  static constexpr float kStart = 1.0F;
  static float of(float a, float b) { return a * b; }
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
    return std::make_unique<Running<Sum>>(v, exclusive, reverse, request.threads);
  return std::make_unique<Running<Product>>(v, exclusive, reverse, request.threads);
}

}  // namespace andiron::exec
