#include "andiron/exec/native/quantized_rows.hpp"

#include <algorithm>

#include "andiron/exec/native/parallel.hpp"
#include "andiron/exec/native/quantized_rows_table.hpp"
#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 16384;

class Quantize final : public Kernel {
 public:
  explicit Quantize(const KernelRequest& request)
      : n_(request.src[0].count()),
        to_(request.dst[0].dtype),
        scale_(static_cast<float>(request.node.attr<double>("scale"))),
        zero_(static_cast<float>(request.node.attr<int64_t>("zero_point"))),
        threads_(n_ < kParallelElements ? 1 : request.threads) {}

  void run(const KernelCall& call) const override {
    parallel(threads_, [&](int part, int parts) {
      const Range r = part_of(n_, part, parts, 64);
      const float* x = static_cast<const float*>(call.src[0]) + r.begin;
      const int64_t n = r.end - r.begin;
      if (to_ == DType::u8) {
        table_.quantize_u8(x, static_cast<uint8_t*>(call.dst[0]) + r.begin, n, scale_, zero_);
      } else {
        table_.quantize_i8(x, static_cast<int8_t*>(call.dst[0]) + r.begin, n, scale_, zero_);
      }
    });
  }
  std::string_view name() const override { return "quantize"; }

 private:
  const QuantizedRowsTable& table_ = quantized_rows_table();
  int64_t n_;
  DType to_;
  float scale_, zero_;
  int threads_;
};

class Dequantize final : public Kernel {
 public:
  explicit Dequantize(const KernelRequest& request)
      : n_(request.src[0].count()),
        from_(request.src[0].dtype),
        scale_(static_cast<float>(request.node.attr<double>("scale"))),
        zero_(static_cast<int32_t>(request.node.attr<int64_t>("zero_point"))),
        threads_(n_ < kParallelElements ? 1 : request.threads) {}

  void run(const KernelCall& call) const override {
    parallel(threads_, [&](int part, int parts) {
      const Range r = part_of(n_, part, parts, 64);
      float* dst = static_cast<float*>(call.dst[0]) + r.begin;
      const int64_t n = r.end - r.begin;
      if (from_ == DType::u8) {
        table_.dequantize_u8(static_cast<const uint8_t*>(call.src[0]) + r.begin, dst, n, scale_,
                             zero_);
      } else {
        table_.dequantize_i8(static_cast<const int8_t*>(call.src[0]) + r.begin, dst, n, scale_,
                             zero_);
      }
    });
  }
  std::string_view name() const override { return "dequantize"; }

 private:
  const QuantizedRowsTable& table_ = quantized_rows_table();
  int64_t n_;
  DType from_;
  float scale_;
  int32_t zero_;
  int threads_;
};

// Of [N, places, C]: each thread has samples of its own, or the channels of one in 64s.
class QuantizedSum final : public Kernel {
 public:
  explicit QuantizedSum(const KernelRequest& request)
      : rows_(request.src[0].sizes[0]),
        channels_(request.src[0].cols()),
        places_(request.src[0].count() / rows_ / channels_),
        from_(request.src[0].dtype),
        scale_(static_cast<float>(request.node.attr<double>("scale"))),
        shift_(static_cast<float>(request.node.attr<double>("shift"))),
        threads_(request.src[0].count() < kParallelElements ? 1 : request.threads) {}

  void run(const KernelCall& call) const override {
    const int64_t blocks = (channels_ + kBlock - 1) / kBlock;
    parallel(threads_, [&](int part, int parts) {
      const Range r = part_of(rows_ * blocks, part, parts);
      for (int64_t i = r.begin; i < r.end; ++i) block(call, i / blocks, i % blocks * kBlock);
    });
  }
  std::string_view name() const override { return "sum of bytes"; }

 private:
  static constexpr int64_t kBlock = 64;

  void block(const KernelCall& call, int64_t row, int64_t first) const {
    alignas(64) int32_t sums[kBlock] = {};
    const int64_t n = std::min(kBlock, channels_ - first);
    for (int64_t p = 0; p < places_; ++p) {
      const int64_t at = (row * places_ + p) * channels_ + first;
      if (from_ == DType::u8) {
        table_.add_u8(static_cast<const uint8_t*>(call.src[0]) + at, sums, n);
      } else {
        table_.add_i8(static_cast<const int8_t*>(call.src[0]) + at, sums, n);
      }
    }
    float* dst = static_cast<float*>(call.dst[0]) + row * channels_ + first;
    for (int64_t c = 0; c < n; ++c) dst[c] = static_cast<float>(sums[c]) * scale_ + shift_;
  }

  const QuantizedRowsTable& table_ = quantized_rows_table();
  int64_t rows_, channels_, places_;
  DType from_;
  float scale_, shift_;
  int threads_;
};

class QuantizedLrn final : public Kernel {
 public:
  QuantizedLrn(const KernelRequest& request, const ByteLrn& lrn)
      : lrn_(lrn), rows_(request.src[0].rows()), channels_(request.src[0].cols()) {
    threads_ = request.src[0].count() < kParallelElements ? 1 : request.threads;
  }

  // Of each thread: the squares between zeros, and their sums.
  size_t thread_numbers() const {
    return static_cast<size_t>(2 * channels_ + lrn_.before + lrn_.after + 15) / 16 * 16;
  }
  size_t scratch_bytes() const override {
    return thread_numbers() * sizeof(int32_t) * static_cast<size_t>(threads_);
  }

  void run(const KernelCall& call) const override {
    parallel(threads_, [&](int part, int parts) {
      const Range r = part_of(rows_, part, parts);
      int32_t* squares =
          reinterpret_cast<int32_t*>(call.scratch) + thread_numbers() * static_cast<size_t>(part);
      std::fill_n(squares, lrn_.before, 0);
      std::fill_n(squares + lrn_.before + channels_, lrn_.after, 0);
      int32_t* sums = squares + lrn_.before + channels_ + lrn_.after;
      for (int64_t i = r.begin; i < r.end; ++i)
        table_.lrn(static_cast<const uint8_t*>(call.src[0]) + i * channels_,
                   static_cast<uint8_t*>(call.dst[0]) + i * channels_, channels_, lrn_, squares,
                   sums);
    });
  }
  std::string_view name() const override { return "lrn of bytes"; }

 private:
  const QuantizedRowsTable& table_ = quantized_rows_table();
  ByteLrn lrn_;
  int64_t rows_, channels_;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_quantize(const KernelRequest& request) {
  return std::make_unique<Quantize>(request);
}

std::unique_ptr<Kernel> make_dequantize(const KernelRequest& request) {
  return std::make_unique<Dequantize>(request);
}

std::unique_ptr<Kernel> make_quantized_sum(const KernelRequest& request) {
  if (!request.node.attr<bool>("channels_last") || request.src[0].count() == 0) return nullptr;
  return std::make_unique<QuantizedSum>(request);
}

std::unique_ptr<Kernel> make_quantized_lrn(const KernelRequest& request) {
  const Node& node = request.node;
  const auto rank = static_cast<int64_t>(request.src[0].sizes.size());
  const auto size = node.attr<int64_t>("size");
  const int64_t channels = request.src[0].cols();
  // The sums of squares must fit in 32 bits.
  if (request.src[0].count() == 0 || size > 30000 ||
      normalize_axis("quantized_lrn", node.attr<int64_t>("axis"), rank) != rank - 1)
    return nullptr;
  const double scale = node.attr<double>("src_scale");
  ByteLrn lrn{};
  lrn.before = std::min((size - 1) / 2, channels);
  lrn.after = std::min(size - 1 - (size - 1) / 2, channels);
  lrn.alpha =
      static_cast<float>(node.attr<double>("alpha") / static_cast<double>(size) * scale * scale);
  lrn.beta = static_cast<float>(node.attr<double>("beta"));
  lrn.bias = static_cast<float>(node.attr<double>("bias"));
  lrn.src_zero = static_cast<int32_t>(node.attr<int64_t>("src_zero"));
  lrn.factor = static_cast<float>(scale / node.attr<double>("dst_scale"));
  lrn.dst_zero = static_cast<float>(node.attr<int64_t>("dst_zero"));
  return std::make_unique<QuantizedLrn>(request, lrn);
}

}  // namespace andiron::exec
