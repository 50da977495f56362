#include <algorithm>
#include <cmath>

#include "andiron/exec/native/channel_kernels.hpp"
#include "andiron/exec/native/hands.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedElements = 16384;

struct Lrn {
  float alpha = 0, beta = 0, bias = 0;  // alpha is divided by the size already
};

// Rows of channels: y[c] = sum of x[j] over the window around c; or with `lrn` the normalization by
// the window's squares.
class ChannelWindows final : public Kernel {
 public:
  ChannelWindows(const KernelRequest& request, int64_t before, int64_t after, const Lrn* lrn)
      : rows_(request.src[0].rows()),
        channels_(request.src[0].cols()),
        before_(std::min(before, channels_)),
        after_(std::min(after, channels_)),
        normalizes_(lrn != nullptr),
        lrn_(lrn != nullptr ? *lrn : Lrn{}) {
    hands_ = Hands(request, rows_ * channels_ >= kSharedElements, rows_);
  }

  // Of each thread: the row between zeros, and the sums.
  size_t thread_floats() const {
    return static_cast<size_t>(2 * channels_ + before_ + after_ + 15) / 16 * 16;
  }
  size_t scratch_bytes() const override {
    return thread_floats() * sizeof(float) * static_cast<size_t>(hands_.parts());
  }

  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      const Range range = part_of(rows_, part, parts);
      float* padded =
          reinterpret_cast<float*>(call.scratch) + thread_floats() * static_cast<size_t>(part);
      std::fill_n(padded, before_, 0.0F);
      std::fill_n(padded + before_ + channels_, after_, 0.0F);
      for (int64_t r = range.begin; r < range.end; ++r)
        row(static_cast<const float*>(call.src[0]) + r * channels_, padded,
            static_cast<float*>(call.dst[0]) + r * channels_);
    });
  }
  std::string_view name() const override { return normalizes_ ? "lrn" : "channel windows"; }

 private:
  void row(const float* x, float* padded, float* y) const {
    const int64_t n = channels_;
    float *middle = padded + before_, *sums = middle + n + after_;
    if (normalizes_) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) middle[c] = x[c] * x[c];
    } else {
      std::copy_n(x, n, middle);
    }
    std::copy_n(padded, n, sums);
    for (int64_t j = 1; j <= before_ + after_; ++j) {
      const float* shifted = padded + j;
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) sums[c] += shifted[c];
    }
    if (!normalizes_) {
      std::copy_n(sums, n, y);
    } else if (lrn_.beta == 0.75F) {  // two roots instead of a power
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        const float s = lrn_.bias + lrn_.alpha * sums[c], root = std::sqrt(s);
        y[c] = x[c] / (root * std::sqrt(root));
      }
    } else {
      for (int64_t c = 0; c < n; ++c)
        y[c] = x[c] * std::pow(lrn_.bias + lrn_.alpha * sums[c], -lrn_.beta);
    }
  }

  int64_t rows_, channels_, before_, after_;
  bool normalizes_;
  Lrn lrn_;
  Hands hands_;
};

bool possible(const KernelRequest& request) {
  const Operand& x = request.src[0];
  const auto rank = static_cast<int64_t>(x.sizes.size());
  return x.dtype == DType::f32 && x.count() > 0 &&
         normalize_axis(request.node.op->name, request.node.attr<int64_t>("axis"), rank) ==
             rank - 1;
}

}  // namespace

std::unique_ptr<Kernel> make_lrn(const KernelRequest& request) {
  if (!possible(request)) return nullptr;
  const Node& node = request.node;
  const auto size = node.attr<int64_t>("size");
  const Lrn lrn{static_cast<float>(node.attr<double>("alpha") / static_cast<double>(size)),
                static_cast<float>(node.attr<double>("beta")),
                static_cast<float>(node.attr<double>("bias"))};
  const int64_t before = (size - 1) / 2;
  return std::make_unique<ChannelWindows>(request, before, size - 1 - before, &lrn);
}

std::unique_ptr<Kernel> make_channel_window_sum(const KernelRequest& request) {
  if (!possible(request)) return nullptr;
  return std::make_unique<ChannelWindows>(request, request.node.attr<int64_t>("before"),
                                          request.node.attr<int64_t>("after"), nullptr);
}

}  // namespace andiron::exec
