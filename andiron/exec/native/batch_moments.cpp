#include <algorithm>
#include <cmath>

#include "andiron/exec/native/channel_kernels.hpp"
#include "andiron/exec/native/hands.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kFlushRows = 64;  // rows added in float
constexpr int64_t kSegmentElements = 32768, kMaxSegments = 64;

// One sweep: sums of x - s and (x - s)^2, where s is the first row, so that little is lost when
// the mean is large beside the deviation. The segments depend on the shape only.
class BatchMoments final : public Kernel {
 public:
  BatchMoments(const KernelRequest& request, int64_t rows, int64_t channels)
      : rows_(rows), channels_(channels) {
    n_segments_ = std::clamp<int64_t>(rows * channels / kSegmentElements, 1, kMaxSegments);
    n_segments_ = std::clamp<int64_t>(n_segments_, 1, std::max<int64_t>(1, rows / kFlushRows));
    hands_ = Hands(request, true, n_segments_);
  }

  // Of each segment: sums in float, then totals in double.
  size_t segment_bytes() const {
    const auto n = static_cast<size_t>(2 * channels_);
    return (n * (sizeof(float) + sizeof(double)) + kAlignment - 1) / kAlignment * kAlignment;
  }
  size_t scratch_bytes() const override {
    return segment_bytes() * static_cast<size_t>(n_segments_);
  }

  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      const Range range = part_of(n_segments_, part, parts);
      for (int64_t s = range.begin; s < range.end; ++s) segment(call, s);
    });
    finish(call);
  }
  std::string_view name() const override { return "batch moments"; }

 private:
  double* totals(const KernelCall& call, int64_t s) const {
    return reinterpret_cast<double*>(call.scratch + segment_bytes() * static_cast<size_t>(s));
  }

  static float shift(const float* x, int64_t c) { return std::isfinite(x[c]) ? x[c] : 0.0F; }

  void segment(const KernelCall& call, int64_t s) const {
    const auto* x = static_cast<const float*>(call.src[0]);
    const int64_t n = channels_;
    double* total = totals(call, s);
    auto* sums = reinterpret_cast<float*>(total + 2 * n);
    float* squares = sums + n;
    std::fill_n(total, 2 * n, 0.0);
    const Range range = part_of(rows_, s, n_segments_, kFlushRows);
    for (int64_t first = range.begin; first < range.end; first += kFlushRows) {
      std::fill_n(sums, 2 * n, 0.0F);
      const int64_t last = std::min(range.end, first + kFlushRows);
      for (int64_t r = first; r < last; ++r) {
        const float* row = x + r * n;
#pragma omp simd
        for (int64_t c = 0; c < n; ++c) {
          // The isfinite of `shift`, for vectors: x - x is 0 or NaN.
          const float base = x[c] - x[c] == 0.0F ? x[c] : 0.0F;
          const float d = row[c] - base;
          sums[c] += d;
          squares[c] += d * d;
        }
      }
      for (int64_t c = 0; c < 2 * n; ++c) total[c] += static_cast<double>(sums[c]);
    }
  }

  void finish(const KernelCall& call) const {
    const auto* x = static_cast<const float*>(call.src[0]);
    auto *mean = static_cast<float*>(call.dst[0]), *variance = static_cast<float*>(call.dst[1]);
    const auto count = static_cast<double>(rows_);
    for (int64_t c = 0; c < channels_; ++c) {
      double sum = 0, square = 0;
      for (int64_t s = 0; s < n_segments_; ++s) {
        sum += totals(call, s)[c];
        square += totals(call, s)[channels_ + c];
      }
      mean[c] = static_cast<float>(static_cast<double>(shift(x, c)) + sum / count);
      const double spread = (square - sum * sum / count) / count;
      variance[c] = static_cast<float>(spread < 0.0 ? 0.0 : spread);
    }
  }

  int64_t rows_, channels_, n_segments_;
  Hands hands_;
};

}  // namespace

std::unique_ptr<Kernel> make_batch_moments(const KernelRequest& request) {
  const Operand& x = request.src[0];
  const auto rank = static_cast<int64_t>(x.sizes.size());
  if (x.dtype != DType::f32 || x.count() == 0 ||
      normalize_axis("batch_moments", request.node.attr<int64_t>("axis"), rank) != rank - 1)
    return nullptr;
  return std::make_unique<BatchMoments>(request, x.rows(), x.cols());
}

}  // namespace andiron::exec
