#include "andiron/exec/native/depthwise_block.hpp"

#include <algorithm>

#include "andiron/exec/native/conv_clamps.hpp"
#include "andiron/exec/native/depthwise_table.hpp"
#include "andiron/exec/native/packed_panels.hpp"
#include "andiron/exec/native/panels_table.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/conv/conv.hpp"
#include "andiron/ops/conv/depthwise_block.hpp"

namespace andiron::exec {

namespace {

constexpr size_t kResidual = 5, kExpand = 6;  // operands
constexpr int64_t kMaxLines = 16;
constexpr int64_t kLargeWeights = 32 * 1024;   // floats beyond which threads share the channels
constexpr int64_t kCoreFloats = 64 * 1024;     // values of a thread that stay in its core's cache
constexpr int64_t kSharedFloats = 512 * 1024;  // filtered values that threads share

const Tensor constant_of(const Value& v) { return v.node().attr<Tensor>("tensor").contiguous(); }

int64_t blocks_of(int64_t channels) { return (channels + kChannelBlock - 1) / kChannelBlock; }

// Weights [channels, 1, taps...] as [block][tap][16], zeros behind the last channel.
std::vector<float> packed_by_blocks(const Tensor& weights) {
  const int64_t channels = weights.size(0), taps = weights.count() / channels;
  std::vector<float> packed(static_cast<size_t>(blocks_of(channels) * taps * kChannelBlock), 0.0F);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t t = 0; t < taps; ++t) {
      const int64_t at = (c / kChannelBlock * taps + t) * kChannelBlock + c % kChannelBlock;
      packed[static_cast<size_t>(at)] = weights.data<float>()[c * taps + t];
    }
  return packed;
}

// One of the convolutions: its weights in panels, and its end with a bias that is readable for
// them.
struct Pointwise {
  Pointwise() = default;
  // `depth` is the number of channels, padded.
  Pointwise(const Node& conv, int64_t depth, int64_t vector, bool in_blocks) {
    const Tensor w = constant_of(conv.inputs[1]), b = constant_of(conv.inputs[2]);
    panels = Panels(w.size(0), depth, vector, in_blocks);
    weights = panels.pack_shared(w, w.size(1), 1);
    bias = padded_with_zeros(b.data<float>(), w.size(0), panels.padded_filters());
    set_clamps(conv, &end);
  }
  const float* panel(int64_t p) const {
    return reinterpret_cast<const float*>(weights->data()) + panels.offset(p);
  }

  Panels panels;
  std::shared_ptr<Buffer> weights;
  std::vector<float> bias;
  ConvEnd end;
};

class DepthwiseBlock final : public Kernel {
 public:
  DepthwiseBlock(const KernelRequest& request, const ops::DepthwiseBlockParts& parts)
      : threads_(request.threads), expands_(parts.expand.defined()) {
    const ops::ConvShape s = ops::conv_shape(parts.depthwise.node());
    const Sizes src = s.src.sizes(), dst = s.dst.sizes();
    samples_ = src[0], height_ = src[2], width_ = src[3];
    out_height_ = dst[2], out_width_ = dst[3];
    window_ = s.window;
    blocks_ = blocks_of(s.channels);
    middle_ = s.channels;
    channels_ = request.src[0].cols();
    filters_ = request.dst[0].cols();
    residual_ = request.src.size() > kResidual && request.node.inputs[kResidual].defined();
    const int64_t vector = panels_.vector;
    if (expands_) expand_ = Pointwise(parts.expand.node(), channels_, vector, true);
    project_ = Pointwise(parts.project.node(), blocks_ * kChannelBlock, vector, false);
    const Node& depthwise = parts.depthwise.node();
    weights_ = packed_by_blocks(constant_of(depthwise.inputs[1]));
    bias_ = padded_with_zeros(constant_of(depthwise.inputs[2]).data<float>(), middle_,
                              blocks_ * kChannelBlock);
    set_clamps(depthwise, &end_);
    choose_steps();
  }

  size_t scratch_bytes() const override {
    const int64_t filtered = by_channels_ ? filtered_ : threads_ * filtered_;
    return static_cast<size_t>(filtered + threads_ * expanded_) * sizeof(float);
  }

  void run(const KernelCall& call) const override {
    auto* scratch = reinterpret_cast<float*>(call.scratch);
    const Run run{static_cast<const float*>(call.src[0]),
                  residual_ ? static_cast<const float*>(call.src[kResidual]) : nullptr, scratch,
                  static_cast<float*>(call.dst[0])};
    by_channels_ ? run_by_channels(run) : run_by_rows(run);
  }
  std::string_view name() const override { return "depthwise block"; }

 private:
  struct Run {
    const float* src;
    const float* residual;
    float* scratch;
    float* dst;
  };

  // How many rows or samples go through at a time, and where the expanded pixels lie: lines of a
  // block are a ring of `slots_`, with the padding of a line beside it.
  void choose_steps() {
    const int64_t stride = window_.strides[0], extent = window_.extent(0);
    padded_width_ = std::max((out_width_ - 1) * window_.strides[1] + window_.extent(1),
                             window_.begin[1] + width_);
    by_channels_ = middle_ * (filters_ + (expands_ ? channels_ : 0)) > kLargeWeights &&
                   height_ * padded_width_ * kChannelBlock <= kSharedFloats;
    const int64_t line = expands_ ? padded_width_ * kChannelBlock : 0;
    const int64_t out_line = out_width_ * kChannelBlock;
    if (by_channels_) {
      const int64_t of_sample = blocks_ * out_height_ * out_line;
      group_ = std::clamp<int64_t>(kSharedFloats / of_sample, 1, samples_);
      slots_ = height_;
      expanded_ = slots_ * line;
      filtered_ = group_ * of_sample;
    } else {
      auto slots = [&](int64_t rows) { return (rows - 1) * stride + extent; };
      auto floats = [&](int64_t rows) { return blocks_ * (slots(rows) * line + rows * out_line); };
      while (step_ < out_height_ && floats(step_ + 1) <= kCoreFloats) ++step_;
      slots_ = slots(step_);
      expanded_ = blocks_ * slots_ * line;
      filtered_ = blocks_ * step_ * out_line;
    }
    row_ = {nullptr,
            expands_ ? kChannelBlock : channels_,
            expands_ ? padded_width_ : width_,
            window_.kernel[0],
            window_.kernel[1],
            window_.strides[1],
            window_.dilations[1],
            expands_ ? 0 : window_.begin[1],
            weights_.data(),
            out_width_};
    row_.find_inner();
    expanded_ = (expanded_ + 31) / 32 * 32;
    filtered_ = (filtered_ + 31) / 32 * 32;
    if (!expands_) return;
    for (int64_t y = 0; y < height_; ++y)
      for (int64_t x = 0; x < width_; ++x)
        at_.push_back(static_cast<int32_t>((y % slots_ * padded_width_ + window_.begin[1] + x) *
                                           kChannelBlock));
  }

  // Zeros beside the lines of `blocks` blocks.
  void clear_padding(float* expanded, int64_t blocks) const {
    const int64_t left = window_.begin[1] * kChannelBlock, row = padded_width_ * kChannelBlock;
    const int64_t right = left + width_ * kChannelBlock;
    for (int64_t i = 0; i < blocks * slots_; ++i, expanded += row) {
      std::fill_n(expanded, left, 0.0F);
      std::fill(expanded + right, expanded + row, 0.0F);
    }
  }

  // The rows [begin, end) of a sample's image, block b of their channels.
  void expand(const Run& run, int64_t sample, int64_t begin, int64_t end, int64_t b,
              float* expanded) const {
    const PanelRows rows{run.src + (sample * height_ + begin) * width_ * channels_, channels_,
                         channels_, 1, 0};
    ConvEnd close = expand_.end;
    close.bias = expand_.bias.data() + b * kChannelBlock;
    panels_.multiply(rows, (end - begin) * width_, expand_.panel(b), kChannelBlock / panels_.vector,
                     kChannelBlock, close, {expanded, 0, at_.data() + begin * width_});
  }

  // n rows of places from `row` on, block b. `expanded` is that block's.
  void filter(const Run& run, int64_t sample, int64_t row, int64_t n, int64_t b,
              const float* expanded, float* filtered) const {
    const float* lines[kMaxLines];
    const int64_t taps = window_.kernel[0];
    const float* image = run.src + sample * height_ * width_ * channels_ + b * kChannelBlock;
    DepthwiseRow r = row_;
    r.lines = lines;
    r.weights += b * window_.taps() * kChannelBlock;
    ConvEnd end = end_;
    end.bias = bias_.data() + b * kChannelBlock;
    const int64_t channels =
        expands_ ? kChannelBlock : std::min(kChannelBlock, middle_ - b * kChannelBlock);
    if (channels < kChannelBlock) std::fill_n(filtered, n * out_width_ * kChannelBlock, 0.0F);
    for (int64_t o = row; o < row + n; ++o, filtered += out_width_ * kChannelBlock) {
      for (int64_t k = 0; k < taps; ++k) {
        const int64_t y = o * window_.strides[0] - window_.begin[0] + k * window_.dilations[0];
        lines[k] = y < 0 || y >= height_ ? nullptr
                   : expands_            ? expanded + y % slots_ * padded_width_ * kChannelBlock
                                         : image + y * width_ * channels_;
      }
      depthwise_.row(r, channels, end, filtered, kChannelBlock);
    }
  }

  // n of the `pixels` filtered ones from `first` on, by the panels [begin, end), into the results
  // from `pixel` on.
  void project(const Run& run, const float* filtered, int64_t pixels, int64_t first, int64_t n,
               int64_t pixel, Range range) const {
    const PanelRows rows{filtered + first * kChannelBlock, kChannelBlock, kChannelBlock, blocks_,
                         pixels * kChannelBlock};
    const Panels& panels = project_.panels;
    for (int64_t p = range.begin; p < range.end; ++p) {
      const int64_t at = pixel * filters_ + panels.first(p);
      ConvEnd end = project_.end;
      end.bias = project_.bias.data() + panels.first(p);
      if (run.residual != nullptr) end.residual = run.residual + at;
      end.residual_stride = filters_;
      panels_.multiply(rows, n, project_.panel(p), panels.vectors(p), panels.filters(p), end,
                       {run.dst + at, filters_});
    }
  }

  void run_by_rows(const Run& run) const {
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(samples_ * out_height_, part, parts);
      float* expanded = run.scratch + part * (expanded_ + filtered_);
      if (expands_) clear_padding(expanded, blocks_);
      for (int64_t row = range.begin; row < range.end;) {
        const int64_t sample = row / out_height_, first = row % out_height_;
        const int64_t last = std::min(out_height_, first + range.end - row);
        rows_of_sample(run, sample, first, last, expanded);
        row += last - first;
      }
    });
  }

  void rows_of_sample(const Run& run, int64_t sample, int64_t begin, int64_t end,
                      float* expanded) const {
    float* filtered = expanded + expanded_;
    const int64_t of_block = slots_ * padded_width_ * kChannelBlock;
    int64_t have = 0;  // lines before it are in the ring, or are not seen again
    for (int64_t row = begin; row < end; row += step_) {
      const int64_t n = std::min(step_, end - row);
      const int64_t top = row * window_.strides[0] - window_.begin[0];
      const int64_t bottom = top + (n - 1) * window_.strides[0] + window_.extent(0);
      const int64_t first = std::max(have, top), last = std::min(bottom, height_);
      for (int64_t b = 0; b < blocks_; ++b) {
        float* ring = expanded + (expands_ ? b * of_block : 0);
        if (expands_ && first < last) expand(run, sample, first, last, b, ring);
        filter(run, sample, row, n, b, ring, filtered + b * n * out_width_ * kChannelBlock);
      }
      have = std::max(have, last);
      const int64_t pixels = n * out_width_;
      project(run, filtered, pixels, 0, pixels, (sample * out_height_ + row) * out_width_,
              {0, project_.panels.count()});
    }
  }

  void run_by_channels(const Run& run) const {
    float* filtered = run.scratch + threads_ * expanded_;
    const int64_t plane = out_height_ * out_width_;
    for (int64_t sample = 0; sample < samples_; sample += group_) {
      const int64_t n = std::min(group_, samples_ - sample), pixels = n * plane;
      parallel(threads_, [&](int part, int parts) {
        const Range range = part_of(blocks_, part, parts);
        float* expanded = run.scratch + part * expanded_;
        if (expands_) clear_padding(expanded, 1);
        for (int64_t b = range.begin; b < range.end; ++b)
          for (int64_t i = 0; i < n; ++i) {
            if (expands_) expand(run, sample + i, 0, height_, b, expanded);
            filter(run, sample + i, 0, out_height_, b, expanded,
                   filtered + (b * pixels + i * plane) * kChannelBlock);
          }
      });
      parallel(threads_, [&](int part, int parts) {
        const int64_t panels = project_.panels.count();
        const bool even = panels % parts == 0;
        const Range p = even ? part_of(panels, part, parts) : Range{0, panels};
        const Range at = even ? Range{0, pixels} : part_of(pixels, part, parts);
        if (at.begin < at.end)
          project(run, filtered, pixels, at.begin, at.end - at.begin, sample * plane + at.begin, p);
      });
    }
  }

  const PanelsTable& panels_ = panels_table();
  const DepthwiseTable& depthwise_ = depthwise_table();
  int threads_;
  bool expands_, residual_ = false, by_channels_ = false;
  int64_t samples_ = 0, height_ = 0, width_ = 0, channels_ = 0, middle_ = 0, filters_ = 0;
  int64_t out_height_ = 0, out_width_ = 0, blocks_ = 0;
  ops::Window window_;
  Pointwise expand_, project_;
  std::vector<float> weights_, bias_;  // of the depthwise one
  ConvEnd end_;
  DepthwiseRow row_;  // but for its lines
  int64_t padded_width_ = 0, slots_ = 0, step_ = 1, group_ = 1;
  int64_t expanded_ = 0, filtered_ = 0;  // floats
  std::vector<int32_t> at_;              // where the expanded pixels go
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise_block(const KernelRequest& request) {
  const Node& node = request.node;
  if (!node.attr<bool>("channels_last") || request.dst[0].dtype != DType::f32) return nullptr;
  if (request.src[0].count() == 0 || request.dst[0].count() == 0) return nullptr;
  for (size_t i = 1; i < node.inputs.size(); ++i)
    if (i != kResidual && !node.inputs[i].node().is("constant")) return nullptr;
  const ops::DepthwiseBlockParts parts = ops::depthwise_block_parts(node);
  const ops::Window& window = ops::conv_shape(parts.depthwise.node()).window;
  if (window.rank() != 2 || window.kernel[0] > kMaxLines) return nullptr;
  if (window.begin[0] < 0 || window.begin[1] < 0) return nullptr;
  return std::make_unique<DepthwiseBlock>(request, parts);
}

}  // namespace andiron::exec
