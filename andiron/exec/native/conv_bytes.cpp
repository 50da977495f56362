#include "andiron/exec/native/conv_bytes.hpp"

#include <cpuid.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>

#include "andiron/exec/native/conv_bytes_weights.hpp"
#include "andiron/exec/native/isa.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::exec {

namespace {

constexpr double kParallelProducts = 1e6;
// What a unit of work reads stays in the second cache beside a block's weights.
constexpr int64_t kUnitBytes = 1 << 17, kUnitPixels = 2048;
// A unit should be worth its start.
constexpr double kUnitProducts = 2e6;
constexpr int64_t kUnitsOfAThread = 4;
constexpr int64_t kFewInputs = 128;
constexpr int64_t kAlign = 64;

int64_t aligned(int64_t n) { return (n + kAlign - 1) / kAlign * kAlign; }
int64_t parts_of(int64_t n, int64_t part) { return (n + part - 1) / part; }

const Tensor constant_of(const Value& v) { return v.node().attr<Tensor>("tensor").contiguous(); }

// VNNI adds four products in 32 bits by one instruction: oneDNN uses it.
bool has_vnni() {
  if (current_isa() == Isa::avx512) return true;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kAvxVnni = 1U << 4;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvxVnni) != 0;
}

class ConvBytes final : public Kernel {
 public:
  explicit ConvBytes(const KernelRequest& request)
      : shape_(ops::conv_shape(request.node)),
        loop_(shape_.window, shape_.src.sizes(), shape_.dst.sizes()),
        channels_(shape_.channels),
        samples_(shape_.src[0].size()),
        src_step_(request.src[0].row_stride),
        pad_(static_cast<uint8_t>(request.node.attr<int64_t>("pad_value"))) {
    choose_window();
    const Node& node = request.node;
    weights_ = conv_bytes_weights(constant_of(node.inputs[1]), window_);
    const DType to = request.dst[0].dtype;
    const auto item = static_cast<int64_t>(size_of(to));
    end_.type = to == DType::u8   ? ConvBytesResult::u8
                : to == DType::i8 ? ConvBytesResult::i8
                                  : ConvBytesResult::f32;
    constexpr float kMost = std::numeric_limits<float>::infinity();
    const float least = to == DType::u8 ? 0 : to == DType::i8 ? -128 : -kMost;
    const float most = to == DType::u8 ? 255 : to == DType::i8 ? 127 : kMost;
    end_.low = std::max(static_cast<float>(node.attr<double>("low")), least);
    end_.high = std::min(static_cast<float>(node.attr<double>("high")), most);
    end_.residual_scale = static_cast<float>(node.attr<double>("residual_scale"));
    end_.dst_stride = request.dst[0].row_stride * item;
    has_residual_ = request.src.size() > 4 && node.inputs[4].defined();
    end_.residual_stride = has_residual_ ? request.src[4].row_stride * item : 0;
    place_blocks(constant_of(node.inputs[2]), constant_of(node.inputs[3]));
    choose_units(request.threads);
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(threads_ * (list_bytes_ + image_bytes_));
  }

  void run(const KernelCall& call) const override {
    std::atomic<int64_t> next{0};
    const int64_t units = strips_ * parts_;
    parallel(threads_, [&](int part, int /*parts*/) {
      std::byte* scratch = call.scratch + part * (list_bytes_ + image_bytes_);
      auto** list = reinterpret_cast<const uint8_t**>(scratch);
      auto* image = reinterpret_cast<uint8_t*>(scratch + list_bytes_);
      int64_t strip = -1;
      Strip s{};
      for (int64_t unit = next++; unit < units; unit = next++) {
        if (unit / parts_ != strip) {
          strip = unit / parts_;
          s = copied_ ? copy_strip(static_cast<const uint8_t*>(call.src[0]), strip, image, list)
                      : find_strip(static_cast<const uint8_t*>(call.src[0]), strip, list);
        }
        ConvBytesEnd end = end_;
        end.dst = static_cast<std::byte*>(call.dst[0]) + s.first * end.dst_stride;
        if (has_residual_)
          end.residual = static_cast<const std::byte*>(call.src[4]) + s.first * end.residual_stride;
        multiply(unit % parts_, end, list, s.pixels);
      }
    });
  }
  std::string_view name() const override { return "conv of bytes"; }

 private:
  // Pixels of the result, counted through all samples.
  struct Strip {
    int64_t first, pixels;
  };

  // Rows are copied where there is padding, where taps of a row do not lie side by side, and where
  // reading four bytes at a time would read behind the last.
  void choose_window() {
    const int64_t columns = loop_.kernel[2];
    wide_ = (loop_.out[2] - 1) * loop_.stride[2] + (columns - 1) * loop_.dilation[2] + 1;
    const int64_t high =
        (loop_.out[1] - 1) * loop_.stride[1] + (loop_.kernel[1] - 1) * loop_.dilation[1] + 1;
    const bool padded =
        loop_.begin[1] != 0 || loop_.begin[2] != 0 || wide_ > loop_.in[2] || high > loop_.in[1];
    copied_ = padded || channels_ % kConvBytesQuad != 0;
    const int64_t step = copied_ ? channels_ : src_step_;
    src_row_ = (copied_ ? wide_ : loop_.in[2]) * step;
    window_ = {loop_.kernel[1], columns, channels_, loop_.dilation[1] * src_row_,
               loop_.dilation[2] * step};
  }

  void place_blocks(const Tensor& scale, const Tensor& shift) {
    blocks_ = weights_->blocks;
    const auto padded = static_cast<size_t>(std::ssize(blocks_) * kConvBytesFilters);
    scale_.resize(padded);
    shift_.resize(padded);
    std::copy_n(scale.data<float>(), shape_.filters, scale_.begin());
    std::copy_n(shift.data<float>(), shape_.filters, shift_.begin());
    for (size_t b = 0; b < blocks_.size(); ++b) {
      blocks_[b].scale = scale_.data() + b * kConvBytesFilters;
      blocks_[b].shift = shift_.data() + b * kConvBytesFilters;
    }
  }

  // A unit of work is a strip of pixels and a part of the filters. Where weights are more than what
  // they are multiplied by, threads share the filters, else the pixels.
  void choose_units(int threads) {
    const int64_t image_pixels = loop_.out[1] * loop_.out[2], pixels = samples_ * image_pixels;
    const double each = static_cast<double>(shape_.filters * channels_ * shape_.window.taps());
    const double products = each * static_cast<double>(pixels);
    threads_ = products < kParallelProducts ? 1 : threads;
    const auto wanted =
        threads_ == 1
            ? int64_t{1}
            : std::max<int64_t>(threads_,
                                std::min<int64_t>(threads_ * kUnitsOfAThread,
                                                  static_cast<int64_t>(products / kUnitProducts)));
    const int64_t image = loop_.n_in() * channels_;
    const int64_t blocks = std::ssize(blocks_);
    const bool by_filters =
        blocks >= 2 * threads_ &&
        16 * blocks * window_.rows * window_.columns * channels_ > image * samples_;
    // Bytes that a pixel of the result reads anew.
    const int64_t bytes = std::max<int64_t>(1, image / image_pixels);
    int64_t most = std::clamp<int64_t>(kUnitBytes / bytes, 8 * kConvBytesPixels, kUnitPixels);
    if (!by_filters) most = std::min(most, parts_of(pixels, wanted));
    if (copied_) {
      rows_ = std::clamp<int64_t>(most / loop_.out[2], 1, loop_.out[1]);
      rows_ = parts_of(loop_.out[1], parts_of(loop_.out[1], rows_));
      strips_of_sample_ = parts_of(loop_.out[1], rows_);
      strips_ = samples_ * strips_of_sample_;
      strip_pixels_ = rows_ * loop_.out[2];
      const int64_t high =
          (rows_ - 1) * loop_.stride[1] + (loop_.kernel[1] - 1) * loop_.dilation[1] + 1;
      image_bytes_ = aligned(high * src_row_ + kConvBytesQuad);
    } else {  // equal strips, as many for each thread
      int64_t n = parts_of(pixels, most);
      if (!by_filters) n = parts_of(n, threads_) * threads_;
      strip_pixels_ = parts_of(parts_of(pixels, n), kConvBytesPixels) * kConvBytesPixels;
      strips_ = parts_of(pixels, strip_pixels_);
    }
    list_bytes_ = aligned(strip_pixels_ * static_cast<int64_t>(sizeof(const uint8_t*)));
    if (by_filters || strips_ < threads_)
      parts_ =
          std::clamp<int64_t>(parts_of(parts_of(wanted, strips_), threads_) * threads_, 1, blocks);
    threads_ = static_cast<int>(std::min<int64_t>(threads_, strips_ * parts_));
  }

  void multiply(int64_t part, const ConvBytesEnd& whole, const uint8_t* const* list,
                int64_t pixels) const {
    const Range range = part_of(std::ssize(blocks_), part, parts_);
    const int64_t item = end_.type == ConvBytesResult::f32 ? 4 : 1;
    for (int64_t b = range.begin; b < range.end; ++b) {
      ConvBytesEnd end = whole;
      end.dst += b * kConvBytesFilters * item;
      if (end.residual != nullptr) end.residual += b * kConvBytesFilters * item;
      conv_bytes_pixels(blocks_[static_cast<size_t>(b)], end, list, pixels);
    }
  }

  Strip find_strip(const uint8_t* src, int64_t strip, const uint8_t** list) const {
    const int64_t image = loop_.out[1] * loop_.out[2];
    Strip s{strip * strip_pixels_, 0};
    s.pixels = std::min(strip_pixels_, samples_ * image - s.first);
    int64_t sample = s.first / image, row = s.first % image / loop_.out[2];
    int64_t column = s.first % loop_.out[2];
    for (int64_t i = 0; i < s.pixels; ++i) {
      list[i] = src + (sample * loop_.in[1] + row * loop_.stride[1]) * src_row_ +
                column * loop_.stride[2] * src_step_;
      if (++column < loop_.out[2]) continue;
      column = 0;
      if (++row < loop_.out[1]) continue;
      row = 0;
      ++sample;
    }
    return s;
  }

  Strip copy_strip(const uint8_t* src, int64_t strip, uint8_t* image, const uint8_t** list) const {
    const int64_t sample = strip / strips_of_sample_, first = strip % strips_of_sample_ * rows_;
    const int64_t rows = std::min(rows_, loop_.out[1] - first);
    const int64_t high =
        (rows - 1) * loop_.stride[1] + (loop_.kernel[1] - 1) * loop_.dilation[1] + 1;
    const uint8_t* from = src + sample * loop_.in[1] * loop_.in[2] * src_step_;
    for (int64_t y = 0; y < high; ++y)
      copy_row(from, first * loop_.stride[1] - loop_.begin[1] + y, image + y * src_row_);
    for (int64_t y = 0, i = 0; y < rows; ++y)
      for (int64_t x = 0; x < loop_.out[2]; ++x)
        list[i++] = image + y * loop_.stride[1] * src_row_ + x * loop_.stride[2] * channels_;
    return {(sample * loop_.out[1] + first) * loop_.out[2], rows * loop_.out[2]};
  }

  void copy_row(const uint8_t* src, int64_t y, uint8_t* to) const {
    const int64_t begin = std::clamp<int64_t>(loop_.begin[2], 0, wide_);
    const int64_t end = std::clamp(loop_.begin[2] + loop_.in[2], begin, wide_);
    if (y < 0 || y >= loop_.in[1] || begin == end) {
      std::memset(to, pad_, static_cast<size_t>(src_row_));
      return;
    }
    std::memset(to, pad_, static_cast<size_t>(begin * channels_));
    const uint8_t* from = src + (y * loop_.in[2] + begin - loop_.begin[2]) * src_step_;
    if (src_step_ == channels_) {
      std::memcpy(to + begin * channels_, from, static_cast<size_t>((end - begin) * channels_));
    } else {
      for (int64_t x = begin; x < end; ++x, from += src_step_)
        std::memcpy(to + x * channels_, from, static_cast<size_t>(channels_));
    }
    std::memset(to + end * channels_, pad_, static_cast<size_t>((wide_ - end) * channels_));
  }

  ops::ConvShape shape_;
  ops::WindowLoop loop_;
  int64_t channels_, samples_, src_step_;
  uint8_t pad_;
  bool copied_ = false, has_residual_ = false;
  int64_t wide_ = 0, src_row_ = 0;  // columns that are copied; bytes from a row to the next
  ConvBytesWindow window_{};
  std::shared_ptr<const ConvBytesWeights> weights_;
  std::vector<ConvBytesBlock> blocks_;
  std::vector<float> scale_, shift_;
  ConvBytesEnd end_{};
  int threads_ = 1;
  int64_t strips_ = 0, strip_pixels_ = 0, parts_ = 1;  // parts: of the filters
  int64_t rows_ = 0, strips_of_sample_ = 0;            // of a copied strip; such strips
  int64_t list_bytes_ = 0, image_bytes_ = 0;           // of a thread
};

}  // namespace

std::unique_ptr<Kernel> make_conv_bytes(const KernelRequest& request) {
  const Node& node = request.node;
  if (has_vnni() || !node.attr<bool>("channels_last")) return nullptr;
  if (request.src[0].dtype != DType::u8) return nullptr;
  for (const size_t i : {1, 2, 3})
    if (!node.inputs[i].node().is("constant")) return nullptr;
  if (request.src[0].count() == 0 || request.dst[0].count() == 0) return nullptr;
  const ops::ConvShape s = ops::conv_shape(node);
  if (s.groups != 1 || s.window.rank() > 2) return nullptr;
  // Of few inputs not much can be added together, and oneDNN's is as fast or faster.
  const bool few = s.channels * s.window.taps() <= kFewInputs;
  if (few && ops::pairs_fit_16_bits(constant_of(node.inputs[1]), 1)) return nullptr;
  return std::make_unique<ConvBytes>(request);
}

}  // namespace andiron::exec
