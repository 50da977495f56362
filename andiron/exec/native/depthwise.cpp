#include "andiron/exec/native/depthwise.hpp"

#include <algorithm>

#include "andiron/exec/native/conv_clamps.hpp"
#include "andiron/exec/native/depthwise_table.hpp"
#include "andiron/exec/native/packed_panels.hpp"
#include "andiron/exec/native/panels_table.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 16384;
constexpr int64_t kMaxLines = 64;

class Depthwise final : public Kernel {
 public:
  explicit Depthwise(const KernelRequest& request, const ops::ConvShape& shape)
      : loop_(shape.window, shape.src.sizes(), shape.dst.sizes()),
        channels_(shape.channels),
        blocks_((channels_ + kChannelBlock - 1) / kChannelBlock),
        rows_(request.dst[0].rows() / loop_.out[2]),
        src_pixel_(request.src[0].row_stride),
        dst_pixel_(request.dst[0].row_stride) {
    threads_ = rows_ * loop_.out[2] * channels_ < kParallelElements ? 1 : request.threads;
    set_clamps(request.node, &end_);
    row_ = {nullptr,         src_pixel_,      loop_.in[2],       loop_.kernel[0] * loop_.kernel[1],
            loop_.kernel[2], loop_.stride[2], loop_.dilation[2], loop_.begin[2],
            nullptr,         loop_.out[2]};
    row_.find_inner();
    has_bias_ = request.src.size() > 2 && request.node.inputs[2].defined();
    const Node& weights = request.node.inputs[1].node();
    if (!weights.is("constant")) return;
    weights_.resize(static_cast<size_t>(n_weights()));
    pack_depthwise(weights.attr<Tensor>("tensor").contiguous().data<float>(), channels_, taps(),
                   weights_.data());
  }

  size_t scratch_bytes() const override {
    const int64_t weights = weights_.empty() ? n_weights() : 0;
    return static_cast<size_t>(weights + blocks_ * kChannelBlock) * sizeof(float);
  }

  void run(const KernelCall& call) const override {
    auto* scratch = reinterpret_cast<float*>(call.scratch);
    Run run{static_cast<const float*>(call.src[0]), weights_.data(), end_,
            static_cast<float*>(call.dst[0])};
    // Readable for whole blocks.
    float* behind = scratch;
    if (has_bias_) behind = std::copy_n(static_cast<const float*>(call.src[2]), channels_, scratch);
    std::fill(behind, scratch + blocks_ * kChannelBlock, 0.0F);
    run.end.bias = scratch;
    if (weights_.empty()) {
      float* weights = scratch + blocks_ * kChannelBlock;
      pack_depthwise(static_cast<const float*>(call.src[1]), channels_, taps(), weights);
      run.weights = weights;
    }
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(rows_, part, parts);
      for (int64_t row = range.begin; row < range.end; ++row) run_row(run, row);
    });
  }
  std::string_view name() const override { return "depthwise conv"; }

 private:
  struct Run {
    const float* src;
    const float* weights;
    ConvEnd end;
    float* dst;
  };

  int64_t taps() const { return loop_.kernel[0] * loop_.kernel[1] * loop_.kernel[2]; }
  int64_t n_weights() const { return blocks_ * taps() * kChannelBlock; }

  // One row of places: row counts samples, planes and lines.
  void run_row(const Run& run, int64_t row) const {
    const int64_t o1 = row % loop_.out[1], o0 = row / loop_.out[1] % loop_.out[0];
    const float* image = run.src + row / loop_.out[1] / loop_.out[0] * loop_.n_in() * src_pixel_;
    const float* lines[kMaxLines];
    int64_t n = 0;
    for (int64_t k0 = 0; k0 < loop_.kernel[0]; ++k0) {
      const int64_t i0 = o0 * loop_.stride[0] - loop_.begin[0] + k0 * loop_.dilation[0];
      for (int64_t k1 = 0; k1 < loop_.kernel[1]; ++k1) {
        const int64_t i1 = o1 * loop_.stride[1] - loop_.begin[1] + k1 * loop_.dilation[1];
        const bool there = i0 >= 0 && i0 < loop_.in[0] && i1 >= 0 && i1 < loop_.in[1];
        lines[n++] = there ? image + (i0 * loop_.in[1] + i1) * loop_.in[2] * src_pixel_ : nullptr;
      }
    }
    DepthwiseRow r = row_;
    r.lines = lines;
    r.weights = run.weights;
    ConvEnd end = run.end;
    float* dst = run.dst + row * loop_.out[2] * dst_pixel_;
    for (int64_t c = 0; c < channels_; c += kChannelBlock, dst += kChannelBlock) {
      table_.row(r, std::min(kChannelBlock, channels_ - c), end, dst, dst_pixel_);
      for (int64_t i = 0; i < n; ++i)
        if (lines[i] != nullptr) lines[i] += kChannelBlock;
      r.weights += taps() * kChannelBlock;
      end.bias += kChannelBlock;
    }
  }

  const DepthwiseTable& table_ = depthwise_table();
  ops::WindowLoop loop_;
  int64_t channels_, blocks_, rows_, src_pixel_, dst_pixel_;
  int threads_ = 1;
  bool has_bias_ = false;
  ConvEnd end_;
  DepthwiseRow row_;  // but for its lines and weights
  std::vector<float> weights_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const KernelRequest& request) {
  const Node& node = request.node;
  if (!node.attr<bool>("channels_last") || request.src.size() > 3) return nullptr;
  if (request.src[0].dtype != DType::f32) return nullptr;
  const ops::ConvShape s = ops::conv_shape(node);
  if (s.groups == 1 || s.groups != s.channels || s.filters != s.channels) return nullptr;
  if (request.src[0].count() == 0 || request.dst[0].count() == 0) return nullptr;
  const std::vector<int64_t>& kernel = s.window.kernel;
  if (s.window.taps() / kernel.back() > kMaxLines) return nullptr;
  return std::make_unique<Depthwise>(request, s);
}

void pack_depthwise(const float* weights, int64_t channels, int64_t taps, float* to) {
  const int64_t blocks = (channels + kChannelBlock - 1) / kChannelBlock;
  std::fill_n(to, blocks * taps * kChannelBlock, 0.0F);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t t = 0; t < taps; ++t)
      to[(c / kChannelBlock * taps + t) * kChannelBlock + c % kChannelBlock] =
          weights[c * taps + t];
}

}  // namespace andiron::exec
