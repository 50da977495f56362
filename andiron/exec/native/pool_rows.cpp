#include "andiron/exec/native/pool_rows.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/pool_table.hpp"
#include "andiron/ops/pool/pool.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kBlock = 64;  // channels at a time: a window's maxima stay in registers or L1
constexpr int64_t kSharedElements = 16384;
constexpr int64_t kTaps = 64;  // rows of a window that are taken at once

enum class What { max, max_grad, avg, avg_grad };

class Pool final : public Kernel {
 public:
  Pool(const KernelRequest& request, const ops::PoolShape& s, What what)
      : loop_(s.window, s.src.sizes(), s.dst.sizes()),
        what_(what),
        rows_(s.src[0].size()),
        channels_(s.src[1].size()) {
    const int64_t work = rows_ * channels_ * std::max(loop_.n_in(), loop_.n_out());
    hands_ =
        Hands(request, work >= kSharedElements, rows_ * (forwards() ? loop_.n_out() : blocks()));
    if (what == What::max || what == What::max_grad) return;
    for (int64_t o = 0; o < loop_.n_out(); ++o)
      shares_.push_back(1.0F / static_cast<float>(ops::averaged_places(s, loop_, o)));
  }

  void run(const KernelCall& call) const override {
    if (forwards()) return forward(call);
    hands_.run([&](int part, int parts) {
      const Range range = part_of(rows_ * blocks(), part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t first = i % blocks() * kBlock;
        block(call, i / blocks(), first, std::min(kBlock, channels_ - first));
      }
    });
  }
  std::string_view name() const override { return "pool of channels"; }

 private:
  bool forwards() const { return what_ == What::max || what_ == What::avg; }
  int64_t blocks() const { return (channels_ + kBlock - 1) / kBlock; }

  // [inputs or outputs, C] of one sample, from channel `first` on.
  static const float* at(const void* data, int64_t row, int64_t places, int64_t channels,
                         int64_t first) {
    return static_cast<const float*>(data) + row * places * channels + first;
  }

  void block(const KernelCall& call, int64_t row, int64_t first, int64_t n) const {
    const int64_t n_dst = loop_.n_in();
    float* dst = const_cast<float*>(at(call.dst[0], row, n_dst, channels_, first));
    for (int64_t i = 0; i < n_dst; ++i) std::fill_n(dst + i * channels_, n, 0.0F);
    if (what_ == What::avg_grad)
      return avg_grad(at(call.src[0], row, loop_.n_out(), channels_, first), dst, n);
    max_grad(at(call.src[0], row, loop_.n_in(), channels_, first),
             at(call.src[1], row, loop_.n_out(), channels_, first), dst, n);
  }

  // Output by output, all channels of its window at once.
  void forward(const KernelCall& call) const {
    const int64_t n_out = loop_.n_out(), n_in = loop_.n_in();
    const auto* src = static_cast<const float*>(call.src[0]);
    auto* dst = static_cast<float*>(call.dst[0]);
    hands_.run([&](int part, int parts) {
      const Range range = part_of(rows_ * n_out, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t row = i / n_out, o = i % n_out;
        const float* image = src + row * n_in * channels_;
        float* y = dst + i * channels_;
        const float* taps[kTaps];
        int64_t n = 0;
        loop_.taps_of(o, [&](int64_t at, int64_t) {
          if (n == kTaps) {  // of a large window: what is known of it becomes one of the rows
            fold(taps, n, 1.0F, y);
            taps[0] = y;
            n = 1;
          }
          taps[n++] = image + at * channels_;
        });
        fold(taps, n, what_ == What::avg ? shares_[static_cast<size_t>(o)] : 1.0F, y);
      }
    });
  }

  void fold(const float* const* taps, int64_t n, float share, float* y) const {
    ANDIRON_ASSERT(n > 0);
    if (what_ == What::avg)
      pool_table().mean(taps, n, channels_, share, y);
    else
      pool_table().largest(taps, n, channels_, y);
  }

  // The first maximum, or the first NaN, as the reference has it.
  void max_grad(const float* src, const float* grad, float* dst, int64_t n) const {
    alignas(64) float best[kBlock];
    alignas(64) int32_t where[kBlock];
    for (int64_t o = 0; o < loop_.n_out(); ++o) {
      bool begun = false;
      loop_.taps_of(o, [&](int64_t i, int64_t tap) {
        const float* x = src + i * channels_;
        const auto t = static_cast<int32_t>(tap);
        if (!begun) {
          std::copy_n(x, n, best);
          std::fill_n(where, n, t);
          begun = true;
          return;
        }
#pragma omp simd
        for (int64_t c = 0; c < n; ++c) {
          const bool better = (x[c] > best[c]) | ((x[c] != x[c]) & (best[c] == best[c]));
          best[c] = better ? x[c] : best[c];
          where[c] = better ? t : where[c];
        }
      });
      const float* g = grad + o * channels_;
      loop_.taps_of(o, [&](int64_t i, int64_t tap) {
        float* d = dst + i * channels_;
        const auto t = static_cast<int32_t>(tap);
#pragma omp simd
        for (int64_t c = 0; c < n; ++c) d[c] += where[c] == t ? g[c] : 0.0F;
      });
    }
  }

  void avg_grad(const float* grad, float* dst, int64_t n) const {
    for (int64_t o = 0; o < loop_.n_out(); ++o) {
      const float* g = grad + o * channels_;
      const float share = shares_[static_cast<size_t>(o)];
      loop_.taps_of(o, [&](int64_t i, int64_t) {
        float* d = dst + i * channels_;
#pragma omp simd
        for (int64_t c = 0; c < n; ++c) d[c] += g[c] * share;
      });
    }
  }

  ops::WindowLoop loop_;
  What what_;
  int64_t rows_, channels_;
  std::vector<float> shares_;  // 1 / places of each output's window
  Hands hands_;
};

// Maxima of bytes: a whole place's channels at a time.
class MaxOfBytes final : public Kernel {
 public:
  MaxOfBytes(const KernelRequest& request, const ops::PoolShape& s)
      : loop_(s.window, s.src.sizes(), s.dst.sizes()),
        rows_(s.src[0].size()),
        channels_(s.src[1].size()),
        flip_(request.src[0].dtype == DType::i8 ? 0x80 : 0),
        hands_(request, rows_ * channels_ * loop_.n_out() >= kSharedElements,
               rows_ * loop_.n_out()) {}

  void run(const KernelCall& call) const override {
    const auto* src = static_cast<const uint8_t*>(call.src[0]);
    auto* dst = static_cast<uint8_t*>(call.dst[0]);
    hands_.run([&](int part, int parts) {
      const Range range = part_of(rows_ * loop_.n_out(), part, parts);
      for (int64_t i = range.begin; i < range.end; ++i)
        place(src + i / loop_.n_out() * loop_.n_in() * channels_, i % loop_.n_out(),
              dst + i * channels_);
    });
  }
  std::string_view name() const override { return "max pool of bytes"; }

 private:
  // Signed bytes are in the order of unsigned ones when their highest bit is flipped.
  void place(const uint8_t* src, int64_t output, uint8_t* y) const {
    const int64_t n = channels_;
    const uint8_t flip = flip_;
    bool begun = false;
    loop_.taps_of(output, [&](int64_t i, int64_t) {
      const uint8_t* x = src + i * n;
      if (!begun) {
        std::copy_n(x, n, y);
        begun = true;
        return;
      }
#pragma omp simd
      for (int64_t c = 0; c < n; ++c)
        y[c] = static_cast<uint8_t>(x[c] ^ flip) > static_cast<uint8_t>(y[c] ^ flip) ? x[c] : y[c];
    });
  }

  ops::WindowLoop loop_;
  int64_t rows_, channels_;
  uint8_t flip_;
  Hands hands_;
};

}  // namespace

std::unique_ptr<Kernel> make_pool(const KernelRequest& request) {
  const std::string& op = request.node.op->name;
  const What what = op == "max_pool"        ? What::max
                    : op == "max_pool_grad" ? What::max_grad
                    : op == "avg_pool"      ? What::avg
                                            : What::avg_grad;
  if (!request.node.attr<bool>("channels_last")) return nullptr;
  if (what == What::max && ops::is_byte(request.src[0].dtype))
    return std::make_unique<MaxOfBytes>(request, ops::pool_shape(request.node));
  if (request.src[0].dtype != DType::f32) return nullptr;
  return std::make_unique<Pool>(request, ops::pool_shape(request.node), what);
}

}  // namespace andiron::exec
