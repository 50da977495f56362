#include "andiron/exec/native/pointwise.hpp"

#include <algorithm>

#include "andiron/exec/native/conv_clamps.hpp"
#include "andiron/exec/native/packed_panels.hpp"
#include "andiron/exec/native/panels_table.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kCoreFloats = 48 * 1024;  // values of a thread that stay in its core's cache
constexpr int64_t kMostWeights = 64 * 1024, kMostChannels = 512, kFewestPixels = 512;

class Pointwise final : public Kernel {
 public:
  Pointwise(const KernelRequest& request, const ops::ConvShape& s)
      : threads_(request.threads),
        pixels_(request.src[0].rows()),
        channels_(s.channels),
        src_pixel_(request.src[0].row_stride),
        dst_pixel_(request.dst[0].row_stride),
        panels_(s.filters, s.channels, table_.vector, false) {
    const Node& node = request.node;
    set_clamps(node, &end_);
    if (request.src.size() > 3) end_.residual_stride = request.src[3].row_stride;
    weights_ = panels_.pack_shared(constant_of(node.inputs[1]), s.channels, 1);
    Tensor bias;
    if (request.src.size() > 2 && node.inputs[2].defined()) bias = constant_of(node.inputs[2]);
    bias_ = padded_with_zeros(bias.defined() ? bias.data<float>() : nullptr, s.filters,
                              panels_.padded_filters());
    const int64_t most = std::max<int64_t>(kCoreFloats / channels_ / 12 * 12, 24);
    n_steps_ = std::max<int64_t>((pixels_ + most - 1) / most, threads_);
  }

  void run(const KernelCall& call) const override {
    const auto* src = static_cast<const float*>(call.src[0]);
    const auto* residual =
        end_.residual_stride > 0 ? static_cast<const float*>(call.src[3]) : nullptr;
    auto* dst = static_cast<float*>(call.dst[0]);
    parallel(threads_, [&](int part, int parts) {
      const Range steps = part_of(n_steps_, part, parts);
      for (int64_t step = steps.begin; step < steps.end; ++step)
        run_step(src, residual, part_of(pixels_, step, n_steps_), dst);
    });
  }
  std::string_view name() const override { return "pointwise conv"; }

 private:
  static Tensor constant_of(const Value& v) { return v.node().attr<Tensor>("tensor").contiguous(); }

  void run_step(const float* src, const float* residual, Range pixels, float* dst) const {
    const auto* weights = reinterpret_cast<const float*>(weights_->data());
    const PanelRows rows{src + pixels.begin * src_pixel_, src_pixel_, channels_, 1, 0};
    for (int64_t p = 0; p < panels_.count(); ++p) {
      ConvEnd end = end_;
      end.bias = bias_.data() + panels_.first(p);
      if (residual != nullptr)
        end.residual = residual + pixels.begin * end.residual_stride + panels_.first(p);
      table_.multiply(rows, pixels.end - pixels.begin, weights + panels_.offset(p),
                      panels_.vectors(p), panels_.filters(p), end,
                      {dst + pixels.begin * dst_pixel_ + panels_.first(p), dst_pixel_});
    }
  }

  const PanelsTable& table_ = panels_table();
  int threads_;
  int64_t pixels_, channels_, src_pixel_, dst_pixel_, n_steps_ = 1;
  Panels panels_;
  std::shared_ptr<Buffer> weights_;
  std::vector<float> bias_;
  ConvEnd end_;
};

}  // namespace

std::unique_ptr<Kernel> make_pointwise(const KernelRequest& request) {
  const Node& node = request.node;
  if (!node.attr<bool>("channels_last") || request.dst[0].dtype != DType::f32) return nullptr;
  if (request.src[0].count() == 0 || request.dst[0].count() == 0) return nullptr;
  for (size_t i = 1; i < std::min<size_t>(node.inputs.size(), 3); ++i)
    if (node.inputs[i].defined() && !node.inputs[i].node().is("constant")) return nullptr;
  const ops::ConvShape s = ops::conv_shape(node);
  auto are = [](const std::vector<int64_t>& values, int64_t value) {
    return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == value; });
  };
  const ops::Window& w = s.window;
  if (s.groups != 1 || w.taps() != 1 || !are(w.strides, 1) || !are(w.begin, 0) || !are(w.end, 0))
    return nullptr;
  const bool pays = s.channels * s.filters <= kMostWeights && s.channels <= kMostChannels &&
                    request.src[0].rows() >= kFewestPixels;
  return pays ? std::make_unique<Pointwise>(request, s) : nullptr;
}

}  // namespace andiron::exec
