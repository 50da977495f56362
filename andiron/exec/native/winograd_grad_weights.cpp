#include <algorithm>

#include "andiron/exec/native/parallel.hpp"
#include "andiron/exec/native/winograd.hpp"
#include "andiron/exec/native/winograd_request.hpp"
#include "andiron/exec/native/winograd_weights.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kPositions = WinogradShape::kPositions;
constexpr int64_t kShared = int64_t{1} << 20;  // floats of both transformed sides of a block
constexpr int64_t kMinTiles = 32, kMaxTiles = 256;
constexpr int64_t kLine = 16;  // floats of a line of a cache

int64_t rounded(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// An odd number of lines: what lies below each other is in different sets of a cache.
int64_t odd_lines(int64_t n) { return ((n + kLine - 1) / kLine | 1) * kLine; }

// grad_weights = G' [sum over tiles of (B' d B) * (A g A')] G. Block by block, threads transform
// channels of both sides, then add up the products of a part of the positions each: every sum has
// one thread and one order, whatever their number.
class WinogradGradWeights final : public Kernel {
 public:
  WinogradGradWeights(const KernelRequest& request, const ops::ConvShape& s,
                      const WinogradShape& shape)
      : shape_(shape),
        weights_(WinogradWeights::of_conv(s.filters, s.channels, shape.kernel)),
        table_(winograd_table()),
        threads_(request.threads),
        bias_(request.dst.size() > 1) {
    v_row_ = odd_lines(shape.channels);
    w_row_ = odd_lines(shape.filters);
    const int64_t most =
        std::clamp(kShared / (kPositions * (v_row_ + w_row_)), kMinTiles, kMaxTiles);
    n_blocks_ = (shape.tiles() + most - 1) / most;
    const int64_t block = (shape.tiles() + n_blocks_ - 1) / n_blocks_;
    v_plane_ = block * v_row_ + kLine;
    w_plane_ = block * w_row_ + kLine;
    m_row_ = rounded(shape.filters, table_.vector);
    m_plane_ = rounded(shape.channels * m_row_, kLine) + kLine;
    n_sums_ = rounded(shape.filters, kLine);
  }

  size_t scratch_bytes() const override {
    const auto floats = static_cast<size_t>(kPositions * (v_plane_ + w_plane_ + m_plane_));
    const auto sums = static_cast<size_t>(bias_ ? n_sums_ : 0);
    return floats * sizeof(float) + sums * (sizeof(float) + sizeof(double));
  }

  void run(const KernelCall& call) const override {
    const auto* src = static_cast<const float*>(call.src[0]);
    const auto* grad = static_cast<const float*>(call.src[1]);
    auto* scratch = reinterpret_cast<float*>(call.scratch);
    const WinogradPlanes v{scratch, v_row_, v_plane_};
    const WinogradPlanes w{v.data + kPositions * v_plane_, w_row_, w_plane_};
    const WinogradPlanes m{w.data + kPositions * w_plane_, m_row_, m_plane_};
    float* sums = bias_ ? m.data + kPositions * m_plane_ : nullptr;
    double* totals = bias_ ? reinterpret_cast<double*>(sums + n_sums_) : nullptr;
    if (bias_) std::fill_n(totals, n_sums_, 0.0);
    const int64_t items = kPositions * table_.row_groups(shape_.channels);
    for (int64_t b = 0; b < n_blocks_; ++b) {
      const int64_t first = shape_.tiles() * b / n_blocks_;
      const int64_t last = shape_.tiles() * (b + 1) / n_blocks_;
      parallel(threads_, [&](int part, int parts) {
        const Range c = part_of(shape_.channels, part, parts, table_.vector);
        table_.transform_src(shape_, src, first, last, c.begin, c.end, v);
        const Range o = part_of(shape_.filters, part, parts, table_.vector);
        if (bias_) std::fill(sums + o.begin, sums + o.end, 0.0F);
        table_.transform_grad(shape_, grad, first, last, o.begin, o.end, w, sums);
        if (bias_)
          for (int64_t i = o.begin; i < o.end; ++i) totals[i] += static_cast<double>(sums[i]);
      });
      parallel(threads_, [&](int part, int parts) {
        const Range range = part_of(items, part, parts);
        table_.multiply_tiles(last - first, shape_.channels, shape_.filters, range.begin, range.end,
                              v, w, b > 0, m);
      });
    }
    auto* weights = static_cast<float*>(call.dst[0]);
    parallel(threads_, [&](int part, int parts) {
      const Range c = part_of(shape_.channels, part, parts);
      gradient_of_weights(weights_, m.data, m.stride, m.plane, c.begin, c.end, weights);
    });
    if (!bias_) return;
    auto* bias = static_cast<float*>(call.dst[1]);
    for (int64_t o = 0; o < shape_.filters; ++o) bias[o] = static_cast<float>(totals[o]);
  }
  std::string_view name() const override { return "winograd conv grad weights"; }

 private:
  WinogradShape shape_;
  WinogradWeights weights_;
  const WinogradTable& table_;
  int threads_;
  bool bias_;
  int64_t v_row_ = 0, w_row_ = 0, m_row_ = 0, v_plane_ = 0, w_plane_ = 0, m_plane_ = 0;
  int64_t n_blocks_ = 1, n_sums_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_winograd_conv_grad_weights(const KernelRequest& request) {
  const ops::ConvShape s = ops::conv_shape(request.node);
  if (!winograd_possible(request, s)) return nullptr;
  const WinogradShape shape =
      winograd_shape(s, request.src[0].row_stride, request.src[1].row_stride);
  if (!winograd_pays(shape)) return nullptr;
  return std::make_unique<WinogradGradWeights>(request, s, shape);
}

}  // namespace andiron::exec
