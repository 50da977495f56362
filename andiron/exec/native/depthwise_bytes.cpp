#include "andiron/exec/native/depthwise_bytes.hpp"

#include <algorithm>
#include <limits>

#include "andiron/exec/native/depthwise_bytes_table.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 16384;
// Where the registers' halves put the channels of a block.
constexpr int64_t kOrder[kDepthwiseBlock] = {0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15};

const Tensor constant_of(const Value& v) { return v.node().attr<Tensor>("tensor").contiguous(); }

class Depthwise final : public Kernel {
 public:
  explicit Depthwise(const KernelRequest& request)
      : shape_(ops::conv_shape(request.node)),
        loop_(shape_.window, shape_.src.sizes(), shape_.dst.sizes()),
        channels_(shape_.channels),
        rows_(shape_.src[0].size() * loop_.out[0] * loop_.out[1]),
        taps_(shape_.window.taps()),
        pairs_((taps_ + 1) / 2) {
    threads_ = rows_ * loop_.out[2] * channels_ < kParallelElements ? 1 : request.threads;
    const Node& node = request.node;
    padding_.assign(static_cast<size_t>(channels_),
                    static_cast<uint8_t>(node.attr<int64_t>("pad_value")));
    low_ = std::max(static_cast<float>(node.attr<double>("low")), 0.0F);
    high_ = std::min(static_cast<float>(node.attr<double>("high")), 255.0F);
    for (int64_t c = 0; c < channels_; c += kDepthwiseBlock)
      first_.push_back(std::min(c, channels_ - kDepthwiseBlock));
    pack(constant_of(node.inputs[1]), constant_of(node.inputs[2]), constant_of(node.inputs[3]));
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(threads_) * list_size() * sizeof(const uint8_t*);
  }

  void run(const KernelCall& call) const override {
    DepthwiseBytes d{pairs_,        std::ssize(first_), first_.data(), weights_.data(),
                     scale_.data(), shift_.data(),      low_,          high_};
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(rows_, part, parts);
      auto** list =
          reinterpret_cast<const uint8_t**>(call.scratch) + static_cast<size_t>(part) * list_size();
      for (int64_t row = range.begin; row < range.end; ++row)
        run_row(d, static_cast<const uint8_t*>(call.src[0]), row, list,
                static_cast<uint8_t*>(call.dst[0]) + row * loop_.out[2] * channels_);
    });
  }
  std::string_view name() const override { return "depthwise conv of bytes"; }

 private:
  size_t list_size() const { return static_cast<size_t>(2 * pairs_ + 7) / 8 * 8; }

  void pack(const Tensor& w, const Tensor& scale, const Tensor& shift) {
    for (const int64_t first : first_) {
      for (int64_t p = 0; p < pairs_; ++p)
        for (const int64_t channel : kOrder)
          for (int64_t t = 2 * p; t < 2 * p + 2; ++t)
            weights_.push_back(t < taps_ ? w.data<int8_t>()[(first + channel) * taps_ + t] : 0);
      for (const int64_t channel : kOrder) {
        scale_.push_back(scale.data<float>()[first + channel]);
        shift_.push_back(shift.data<float>()[first + channel]);
      }
    }
  }

  // One row of places: row counts samples, planes and lines.
  void run_row(const DepthwiseBytes& d, const uint8_t* src, int64_t row, const uint8_t** list,
               uint8_t* dst) const {
    const int64_t o1 = row % loop_.out[1], o0 = row / loop_.out[1] % loop_.out[0];
    const uint8_t* image = src + row / loop_.out[1] / loop_.out[0] * loop_.n_in() * channels_;
    list[2 * pairs_ - 1] = padding_.data();
    for (int64_t o2 = 0; o2 < loop_.out[2]; ++o2, dst += channels_) {
      int64_t t = 0;
      for (int64_t k0 = 0; k0 < loop_.kernel[0]; ++k0) {
        const int64_t i0 = o0 * loop_.stride[0] - loop_.begin[0] + k0 * loop_.dilation[0];
        for (int64_t k1 = 0; k1 < loop_.kernel[1]; ++k1) {
          const int64_t i1 = o1 * loop_.stride[1] - loop_.begin[1] + k1 * loop_.dilation[1];
          const bool there = i0 >= 0 && i0 < loop_.in[0] && i1 >= 0 && i1 < loop_.in[1];
          const uint8_t* line =
              there ? image + (i0 * loop_.in[1] + i1) * loop_.in[2] * channels_ : nullptr;
          for (int64_t k2 = 0; k2 < loop_.kernel[2]; ++k2) {
            const int64_t i2 = o2 * loop_.stride[2] - loop_.begin[2] + k2 * loop_.dilation[2];
            list[t++] =
                there && i2 >= 0 && i2 < loop_.in[2] ? line + i2 * channels_ : padding_.data();
          }
        }
      }
      table_.place(d, list, dst);
    }
  }

  const DepthwiseBytesTable& table_ = depthwise_bytes_table();
  ops::ConvShape shape_;
  ops::WindowLoop loop_;
  int64_t channels_, rows_, taps_, pairs_;
  int threads_;
  float low_ = 0, high_ = 255;
  std::vector<int64_t> first_;
  std::vector<uint8_t> padding_;
  std::vector<int16_t> weights_;
  std::vector<float> scale_, shift_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise_bytes(const KernelRequest& request) {
  const Node& node = request.node;
  if (!node.attr<bool>("channels_last") || request.src.size() > 4) return nullptr;
  if (request.src[0].dtype != DType::u8 || request.dst[0].dtype != DType::u8) return nullptr;
  const ops::ConvShape s = ops::conv_shape(node);
  if (s.groups != s.channels || s.filters != s.channels || s.channels < kDepthwiseBlock)
    return nullptr;
  for (const size_t i : {1, 2, 3})
    if (!node.inputs[i].node().is("constant")) return nullptr;
  if (request.src[0].count() == 0 || request.dst[0].count() == 0) return nullptr;
  return std::make_unique<Depthwise>(request);
}

}  // namespace andiron::exec
