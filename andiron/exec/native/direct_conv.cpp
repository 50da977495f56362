#include "andiron/exec/native/direct_conv.hpp"

#include <algorithm>

#include "andiron/exec/native/conv_clamps.hpp"
#include "andiron/exec/native/packed_panels.hpp"
#include "andiron/exec/native/panels_table.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kCoreFloats = 48 * 1024;  // values of a thread that stay in its core's cache
constexpr int64_t kLargeWeights = 256 * 1024;

class DirectConv final : public Kernel {
 public:
  DirectConv(const KernelRequest& request, const ops::ConvShape& s)
      : window_(s.window),
        threads_(request.threads),
        channels_(s.channels),
        src_pixel_(request.src[0].row_stride),
        dst_pixel_(request.dst[0].row_stride) {
    const Sizes src = s.src.sizes(), dst = s.dst.sizes();
    samples_ = src[0], height_ = src[2], width_ = src[3];
    out_height_ = dst[2], out_width_ = dst[3];
    const Node& node = request.node;
    set_clamps(node, &end_);
    if (request.src.size() > 3) residual_pixel_ = request.src[3].row_stride;
    panels_ = Panels(s.filters, s.channels * window_.taps(), table_.vector, false);
    const Tensor w = node.inputs[1].node().attr<Tensor>("tensor").contiguous();
    weights_ = panels_.pack_shared(w, s.channels, window_.taps());
    const bool has_bias = request.src.size() > 2 && node.inputs[2].defined();
    const Tensor b =
        has_bias ? node.inputs[2].node().attr<Tensor>("tensor").contiguous() : Tensor();
    bias_ = padded_with_zeros(has_bias ? b.data<float>() : nullptr, has_bias ? s.filters : 0,
                              panels_.padded_filters());
    choose_steps();
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(threads_ * padded_) * sizeof(float);
  }

  void run(const KernelCall& call) const override {
    const Run run{static_cast<const float*>(call.src[0]),
                  residual_pixel_ > 0 ? static_cast<const float*>(call.src[3]) : nullptr,
                  reinterpret_cast<float*>(call.scratch), static_cast<float*>(call.dst[0])};
    const int64_t panels = panels_.count();
    parallel(threads_, [&](int part, int parts) {
      const Range steps = by_filters_ ? Range{0, n_steps_} : part_of(n_steps_, part, parts);
      const Range p = by_filters_ ? part_of(panels, part, parts) : Range{0, panels};
      float* padded = run.padded + part * padded_;
      for (int64_t step = steps.begin; step < steps.end; ++step)
        flat_ ? pixels(run, step, p) : rows(run, step, p, padded);
    });
  }
  std::string_view name() const override { return "direct conv"; }

 private:
  struct Run {
    const float* src;
    const float* residual;
    float* padded;
    float* dst;
  };

  void choose_steps() {
    auto zero = [](const std::vector<int64_t>& v) { return v[0] == 0 && v[1] == 0; };
    pads_ = !zero(window_.begin) || !zero(window_.end);
    flat_ = window_.taps() == 1 && window_.strides[0] == 1 && window_.strides[1] == 1 && !pads_;
    const int64_t depth = panels_.depth();
    if (flat_) {
      const int64_t pixels = samples_ * height_ * width_;
      const int64_t most = std::max<int64_t>(kCoreFloats / depth / 12 * 12, 24);
      n_steps_ = (pixels + most - 1) / most;
      by_filters_ = pixels < 2 * most * threads_ && panels_.size() > kLargeWeights;
      if (!by_filters_) n_steps_ = std::max<int64_t>(n_steps_, threads_);
      return;
    }
    line_ = pads_ ? (out_width_ - 1) * window_.strides[1] + window_.kernel[1] : width_;
    line_ = pads_ ? std::max(line_, window_.begin[1] + width_) * channels_ : line_ * src_pixel_;
    auto lines = [&](int64_t rows) { return (rows - 1) * window_.strides[0] + window_.extent(0); };
    while (step_ < out_height_ && lines(step_ + 1) * line_ <= kCoreFloats) ++step_;
    steps_of_sample_ = (out_height_ + step_ - 1) / step_;
    n_steps_ = samples_ * steps_of_sample_;
    by_filters_ = n_steps_ < threads_;
    padded_ = pads_ ? (lines(step_) * line_ + 31) / 32 * 32 : 0;
  }

  ConvEnd end_of(const Run& run, int64_t pixel, int64_t p) const {
    ConvEnd end = end_;
    end.bias = bias_.data() + panels_.first(p);
    end.residual_stride = residual_pixel_;
    if (run.residual != nullptr)
      end.residual = run.residual + pixel * residual_pixel_ + panels_.first(p);
    return end;
  }
  void multiply(const Run& run, const PanelRows& a, int64_t n, int64_t p, int64_t pixel) const {
    const auto* weights = reinterpret_cast<const float*>(weights_->data());
    table_.multiply(a, n, weights + panels_.offset(p), panels_.vectors(p), panels_.filters(p),
                    end_of(run, pixel, p),
                    {run.dst + pixel * dst_pixel_ + panels_.first(p), dst_pixel_});
  }

  void pixels(const Run& run, int64_t step, Range panels) const {
    const Range r = part_of(samples_ * height_ * width_, step, n_steps_);
    const PanelRows a{run.src + r.begin * src_pixel_, src_pixel_, channels_, 1, 0};
    for (int64_t p = panels.begin; p < panels.end; ++p)
      multiply(run, a, r.end - r.begin, p, r.begin);
  }

  void rows(const Run& run, int64_t step, Range panels, float* padded) const {
    const int64_t sample = step / steps_of_sample_, i = step % steps_of_sample_;
    const Range r = part_of(out_height_, i, steps_of_sample_);
    const float* image = run.src + sample * height_ * width_ * src_pixel_;
    const int64_t top = r.begin * window_.strides[0] - window_.begin[0];
    const float* from = image + top * line_;
    if (pads_) {
      const int64_t n = (r.end - r.begin - 1) * window_.strides[0] + window_.extent(0);
      for (int64_t y = 0; y < n; ++y) pad_line(image, top + y, padded + y * line_);
      from = padded;
    }
    const int64_t pixel = pads_ ? channels_ : src_pixel_;
    for (int64_t p = panels.begin; p < panels.end; ++p)
      for (int64_t y = 0; y < r.end - r.begin; ++y) {
        const PanelRows a{from + y * window_.strides[0] * line_, window_.strides[1] * pixel,
                          window_.kernel[1] * channels_, window_.kernel[0],
                          window_.dilations[0] * line_};
        multiply(run, a, out_width_, p, (sample * out_height_ + r.begin + y) * out_width_);
      }
  }

  void pad_line(const float* image, int64_t y, float* to) const {
    float* end = to + line_;
    if (y >= 0 && y < height_) {
      to = std::fill_n(to, window_.begin[1] * channels_, 0.0F);
      const float* from = image + y * width_ * src_pixel_;
      if (src_pixel_ == channels_) {
        to = std::copy_n(from, width_ * channels_, to);
      } else {
        for (int64_t x = 0; x < width_; ++x, from += src_pixel_)
          to = std::copy_n(from, channels_, to);
      }
    }
    std::fill(to, end, 0.0F);
  }

  const PanelsTable& table_ = panels_table();
  ops::Window window_;
  int threads_;
  int64_t channels_, src_pixel_, dst_pixel_, residual_pixel_ = 0;
  int64_t samples_ = 0, height_ = 0, width_ = 0, out_height_ = 0, out_width_ = 0;
  Panels panels_;
  std::shared_ptr<Buffer> weights_;
  std::vector<float> bias_;
  ConvEnd end_;
  bool pads_ = false;  // whether lines are copied with their padding
  bool flat_ = false;  // whether pixels go through without regard to rows
  bool by_filters_ = false;
  int64_t line_ = 0, padded_ = 0, step_ = 1, steps_of_sample_ = 1, n_steps_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_direct_conv(const KernelRequest& request) {
  const Node& node = request.node;
  if (!node.attr<bool>("channels_last") || request.dst[0].dtype != DType::f32) return nullptr;
  if (request.src[0].count() == 0 || request.dst[0].count() == 0) return nullptr;
  const ops::ConvShape s = ops::conv_shape(node);
  const ops::Window& w = s.window;
  if (s.groups != 1 || w.rank() != 2 || w.begin[0] < 0 || w.begin[1] < 0) return nullptr;
  if (w.kernel[1] > 1 && (w.dilations[1] != 1 || request.src[0].row_stride != s.channels))
    return nullptr;
  for (size_t i = 1; i < std::min<size_t>(node.inputs.size(), 3); ++i)
    if (node.inputs[i].defined() && !node.inputs[i].node().is("constant")) return nullptr;
  if (getenv("ANDIRON_NO_DIRECT") != nullptr) return nullptr;
  return std::make_unique<DirectConv>(request, s);
}

}  // namespace andiron::exec
