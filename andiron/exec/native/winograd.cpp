#include "andiron/exec/native/winograd.hpp"

#include <algorithm>

#include "andiron/exec/native/conv_clamps.hpp"
#include "andiron/exec/native/parallel.hpp"
#include "andiron/exec/native/winograd_request.hpp"
#include "andiron/exec/native/winograd_weights.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kPositions = WinogradShape::kPositions;
constexpr int64_t kTileBlock = 32;             // tiles that a thread takes at a time
constexpr int64_t kFilterBlock = 64;           // filters whose sums stay in cache
constexpr int64_t kShared = int64_t{2} << 20;  // floats of transformed inputs that threads share
constexpr int64_t kLargeWeights = int64_t{1} << 20;  // floats beyond which each thread takes a part

int64_t rounded(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

class Winograd final : public Kernel {
 public:
  Winograd(const KernelRequest& request, const WinogradShape& shape, const WinogradWeights& w,
           size_t image, size_t weights)
      : shape_(shape),
        weights_(w),
        table_(winograd_table()),
        threads_(request.threads),
        image_(image),
        weights_at_(weights) {
    const int64_t vector = table_.vector, tiles = shape.tiles();
    const int64_t n_weights = w.transformed_count(vector);
    row_ = rounded(shape.channels, vector);
    // Few tiles, or weights of which a core's cache holds little: threads share the filters.
    by_filters_ = tiles < 2 * kTileBlock * threads_ || n_weights > kLargeWeights;
    const int64_t most = std::clamp<int64_t>(kShared / (kPositions * row_), kTileBlock, 256);
    const int64_t block = by_filters_ ? most : kTileBlock;
    n_blocks_ = (tiles + block - 1) / block;
    // As many blocks for each thread.
    if (!by_filters_) n_blocks_ = rounded(n_blocks_, threads_);
    block_ = (tiles + n_blocks_ - 1) / n_blocks_;
    // An odd number of lines from matrix to matrix keeps them in different sets of a cache.
    src_plane_ = rounded(block_ * row_, 32) + 16;
    dst_plane_ = rounded(block_ * kFilterBlock, 32) + 16;
    const Value& value = request.node.inputs[weights];
    if (value.node().is("constant"))
      fixed_ = transformed_weights(w, value.node().attr<Tensor>("tensor").contiguous(), vector);
    else
      n_scratch_weights_ = rounded(n_weights, 16);
  }

  void set_end(const Node& node, const KernelRequest& request) {
    if (request.src.size() > 2 && node.inputs[2].defined()) bias_ = 2;
    if (request.src.size() > 3) residual_ = 3;
    if (residual_ > 0) end_.residual_stride = request.src[3].row_stride;
    set_clamps(node, &end_);
  }

  size_t scratch_bytes() const override {
    const int64_t inputs = by_filters_ ? 1 : threads_;
    return static_cast<size_t>(n_scratch_weights_ +
                               kPositions * (inputs * src_plane_ + threads_ * dst_plane_)) *
           sizeof(float);
  }

  void run(const KernelCall& call) const override {
    auto* scratch = reinterpret_cast<float*>(call.scratch);
    Run run{static_cast<const float*>(call.src[image_]), nullptr, scratch + n_scratch_weights_,
            end_, static_cast<float*>(call.dst[0])};
    if (bias_ > 0) run.end.bias = static_cast<const float*>(call.src[bias_]);
    if (residual_ > 0) run.end.residual = static_cast<const float*>(call.src[residual_]);
    if (fixed_ != nullptr) {
      run.weights = reinterpret_cast<const float*>(fixed_->data());
    } else {
      const auto* weights = static_cast<const float*>(call.src[weights_at_]);
      const int64_t panels = (weights_.filters + 2 * table_.vector - 1) / (2 * table_.vector);
      parallel(threads_, [&](int part, int parts) {
        const Range range = part_of(panels, part, parts);
        transform_weights(weights_, weights, table_.vector, range.begin, range.end, scratch);
      });
      run.weights = scratch;
    }
    by_filters_ ? run_by_filters(run) : run_by_tiles(run);
  }
  std::string_view name() const override { return "winograd conv"; }

 private:
  struct Run {
    const float* src;
    const float* weights;
    float* planes;
    ConvEnd end;
    float* dst;
  };

  Range block(int64_t b) const {
    return {shape_.tiles() * b / n_blocks_, shape_.tiles() * (b + 1) / n_blocks_};
  }
  WinogradPlanes src_planes(const Run& run, int thread) const {
    return {run.planes + kPositions * src_plane_ * thread, row_, src_plane_};
  }
  WinogradPlanes dst_planes(const Run& run, int thread) const {
    const int64_t inputs = by_filters_ ? 1 : threads_;
    return {run.planes + kPositions * (inputs * src_plane_ + dst_plane_ * thread), kFilterBlock,
            dst_plane_};
  }

  // `v` has the tiles from the first on.
  void outputs(const Run& run, Range tiles, Range filters, const WinogradPlanes& v,
               const WinogradPlanes& m) const {
    for (int64_t o = filters.begin; o < filters.end; o += kFilterBlock) {
      const int64_t last = std::min(filters.end, o + kFilterBlock);
      table_.multiply(tiles.end - tiles.begin, shape_.channels, shape_.filters, o, last, v,
                      run.weights, m);
      table_.transform_dst(shape_, m, tiles.begin, tiles.end, o, last, run.end, run.dst);
    }
  }

  void run_by_tiles(const Run& run) const {
    parallel(threads_, [&](int part, int parts) {
      const Range blocks = part_of(n_blocks_, part, parts);
      const WinogradPlanes v = src_planes(run, part), m = dst_planes(run, part);
      for (int64_t b = blocks.begin; b < blocks.end; ++b) {
        const Range tiles = block(b);
        table_.transform_src(shape_, run.src, tiles.begin, tiles.end, 0, shape_.channels, v);
        outputs(run, tiles, {0, shape_.filters}, v, m);
      }
    });
  }

  void run_by_filters(const Run& run) const {
    const WinogradPlanes v = src_planes(run, 0);
    for (int64_t b = 0; b < n_blocks_; ++b) {
      const Range tiles = block(b);
      parallel(threads_, [&](int part, int parts) {
        const Range c = part_of(shape_.channels, part, parts, table_.vector);
        table_.transform_src(shape_, run.src, tiles.begin, tiles.end, c.begin, c.end, v);
      });
      parallel(threads_, [&](int part, int parts) {
        outputs_of_part(run, tiles, v, dst_planes(run, part), part, parts);
      });
    }
  }

  // Panels are few and not always a multiple of the threads: where two threads meet within one,
  // each takes a part of its tiles.
  void outputs_of_part(const Run& run, Range tiles, const WinogradPlanes& v,
                       const WinogradPlanes& m, int part, int parts) const {
    const int64_t n_tiles = tiles.end - tiles.begin, panel = 2 * table_.vector;
    const int64_t width = rounded(shape_.filters, table_.vector);
    const Range mine = part_of(width * n_tiles, part, parts);
    auto filters = [&](int64_t begin, int64_t end) {
      return Range{begin, std::min(end, shape_.filters)};
    };
    for (int64_t at = mine.begin; at < mine.end;) {
      const int64_t first = at / (panel * n_tiles) * panel;
      const int64_t lanes = std::min(panel, width - first);
      if (at == first * n_tiles) {
        const int64_t whole =
            mine.end == width * n_tiles ? width : mine.end / (panel * n_tiles) * panel;
        if (whole > first) {
          outputs(run, tiles, filters(first, whole), v, m);
          at = whole * n_tiles;
          continue;
        }
      }
      const int64_t end = std::min(mine.end, (first + lanes) * n_tiles);
      auto tile = [&](int64_t place) { return (place - first * n_tiles) / lanes; };
      const Range some{tile(at), tile(end)};
      WinogradPlanes from = v;
      from.data += some.begin * v.stride;
      if (some.begin < some.end)
        outputs(run, {tiles.begin + some.begin, tiles.begin + some.end},
                filters(first, first + lanes), from, m);
      at = end;
    }
  }

  WinogradShape shape_;
  WinogradWeights weights_;
  const WinogradTable& table_;
  int threads_;
  size_t image_, weights_at_;
  size_t bias_ = 0, residual_ = 0;  // operands; 0: none
  bool by_filters_ = false;
  int64_t row_ = 0, n_blocks_ = 1, block_ = 0, src_plane_ = 0, dst_plane_ = 0;
  int64_t n_scratch_weights_ = 0;
  ConvEnd end_;
  std::shared_ptr<Buffer> fixed_;
};

}  // namespace

std::unique_ptr<Kernel> make_winograd_conv(const KernelRequest& request) {
  const ops::ConvShape s = ops::conv_shape(request.node);
  if (!winograd_possible(request, s)) return nullptr;
  const WinogradShape shape =
      winograd_shape(s, request.src[0].row_stride, request.dst[0].row_stride);
  if (!winograd_pays(shape)) return nullptr;
  auto kernel = std::make_unique<Winograd>(
      request, shape, WinogradWeights::of_conv(s.filters, s.channels, shape.kernel), 0, 1);
  kernel->set_end(request.node, request);
  return kernel;
}

std::unique_ptr<Kernel> make_winograd_conv_grad_src(const KernelRequest& request) {
  const ops::ConvShape s = ops::conv_shape(request.node);
  if (!winograd_possible(request, s)) return nullptr;
  const WinogradShape shape =
      winograd_shape_of_grad_src(s, request.src[0].row_stride, request.dst[0].row_stride);
  if (!winograd_pays(shape)) return nullptr;
  return std::make_unique<Winograd>(
      request, shape, WinogradWeights::of_grad_src(s.filters, s.channels, shape.kernel), 0, 1);
}

}  // namespace andiron::exec
