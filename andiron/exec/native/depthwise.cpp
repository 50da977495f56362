#include "andiron/exec/native/depthwise.hpp"

#include <limits>
#include <vector>

#include "andiron/exec/native/depthwise_table.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::exec {

namespace {

constexpr double kParallelFlops = 400e3;

// Strips of outputs in registers, channels innermost: memory is read in its order, and a row of the
// image comes from the cache for the next rows of the result.
class Depthwise final : public Kernel {
 public:
  Depthwise(const KernelRequest& request, const ops::ConvShape& s)
      : row_(current_isa() == Isa::avx512 ? avx512::depthwise_row : avx2::depthwise_row),
        has_bias_(request.src.size() > 2),
        has_residual_(request.src.size() > 3),
        images_(s.src[0].size()) {
    const ops::WindowLoop loop(s.window, s.src.sizes(), s.dst.sizes());
    rows_ = loop.out[1];
    shape_ = {loop.in[1],       loop.in[2],       s.channels,     loop.out[2],
              loop.kernel[1],   loop.kernel[2],   loop.stride[1], loop.stride[2],
              loop.dilation[1], loop.dilation[2], loop.begin[1],  loop.begin[2]};
    const Node& node = request.node;
    if (node.is("fused_conv") && node.attr<std::string>("activation") != "linear") {
      const bool clip = node.attr<std::string>("activation") == "clip";
      end_.clamps = true;
      end_.low = clip ? static_cast<float>(node.attr<double>("low")) : 0.0F;
      end_.high = clip ? static_cast<float>(node.attr<double>("high"))
                       : std::numeric_limits<float>::infinity();
    }
    const double flops = 2.0 * static_cast<double>(request.dst[0].count() * s.window.taps());
    threads_ = flops < kParallelFlops ? 1 : request.threads;
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(shape_.kernel_h * shape_.kernel_w * shape_.channels) * sizeof(float);
  }

  void run(const KernelCall& call) const override {
    // [C, 1, kernel...] -> [kernel..., C]
    auto* weights = reinterpret_cast<float*>(call.scratch);
    const auto* w = static_cast<const float*>(call.src[1]);
    const int64_t taps = shape_.kernel_h * shape_.kernel_w, n = shape_.channels;
    for (int64_t c = 0; c < n; ++c)
      for (int64_t t = 0; t < taps; ++t) weights[t * n + c] = w[c * taps + t];
    DepthwiseEnd end = end_;
    if (has_bias_) end.bias = static_cast<const float*>(call.src[2]);
    const auto* x = static_cast<const float*>(call.src[0]);
    const auto* residual = has_residual_ ? static_cast<const float*>(call.src[3]) : nullptr;
    auto* y = static_cast<float*>(call.dst[0]);
    const int64_t image = shape_.h * shape_.w * n, out_row = shape_.out_w * n;
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(images_ * rows_, part, parts);
      for (int64_t r = range.begin; r < range.end; ++r)
        row_(shape_, end, x + r / rows_ * image, weights, r % rows_,
             residual == nullptr ? nullptr : residual + r * out_row, y + r * out_row);
    });
  }
  std::string_view name() const override { return "depthwise"; }

 private:
  DepthwiseRow row_;
  DepthwiseShape shape_{};
  DepthwiseEnd end_;
  bool has_bias_, has_residual_;
  int64_t images_, rows_ = 0;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const KernelRequest& request) {
  const Node& node = request.node;
  if (!node.attr<bool>("channels_last") || request.src[0].dtype != DType::f32) return nullptr;
  const ops::ConvShape s = ops::conv_shape(node);
  if (s.groups != s.channels || s.filters != s.channels || s.window.rank() > 2 || s.channels < 8)
    return nullptr;
  if (request.dst[0].count() == 0) return nullptr;
  return std::make_unique<Depthwise>(request, s);
}

}  // namespace andiron::exec
