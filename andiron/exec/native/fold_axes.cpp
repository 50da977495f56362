#include "andiron/exec/native/fold_axes.hpp"

#include <algorithm>

#include "andiron/exec/native/folds.hpp"
#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/vector_form.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kStrip = 512;      // columns at a time
constexpr int64_t kFlushRows = 128;  // rows added in float, four by four
constexpr int64_t kRows = 32;        // rows at a time
constexpr int64_t kParallelElements = 32768, kSharedElements = 65536;  // of a team, of a crew
// What is reduced is cut into segments where there is too little beside it for several threads.
constexpr int64_t kSegmentElements = 16384, kMaxUnits = 64;

struct FoldView {
  int64_t outer = 1, n = 1, inner = 1;
  int64_t outer_step = 1, step = 1;  ///< elements between neighbours of outer and of n
};

// Strips, runs and segments depend on the shape only: the same bits for any number of threads.
class FoldAxes final : public Kernel {
 public:
  FoldAxes(const KernelRequest& request, Fold fold, const FoldView& v)
      : how_(static_cast<size_t>(fold)),
        none_(empty_fold(fold)),
        v_(v),
        dst_(request.dst[0]),
        adds_(request.adds_to(0)) {
    const int64_t count = v.outer * v.n * v.inner;
    strips_ = v.inner == 1 ? 1 : (v.inner + kStrip - 1) / kStrip;
    const int64_t beside = std::max<int64_t>(v.outer * strips_, 1);
    const int64_t units = std::clamp<int64_t>(count / kSegmentElements, 1, kMaxUnits);
    const int64_t grains = v.inner == 1 ? v.n / kSegmentElements : v.n / kFlushRows;
    segments_ = std::clamp<int64_t>(units / beside, 1, std::max<int64_t>(grains, 1));
    units_ = v.outer * strips_ * segments_;
    if (whole_rows()) units_ = (v.outer + kRows - 1) / kRows;
    hands_ = Hands(request, count >= kParallelElements, count >= kSharedElements, units_);
  }
  size_t scratch_bytes() const override {
    return segments_ == 1 ? 0 : static_cast<size_t>(segments_ * v_.outer * v_.inner) * 8;
  }

  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      const Range range = part_of(units_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t beside = i / segments_, s = i % segments_;
        if (whole_rows()) {
          rows(call, i * kRows);
        } else if (v_.inner == 1) {
          row(call, beside, s);
        } else {
          strip(call, beside / strips_, beside % strips_ * kStrip, s);
        }
      }
    });
    for (int64_t i = 0; segments_ > 1 && i < v_.outer * v_.inner; i += kStrip) join(call, i);
  }
  std::string_view name() const override { return "fold of axes"; }

 private:
  const FoldTable& table() const { return fold_table(); }

  const float* source(const KernelCall& call, int64_t o, int64_t i) const {
    return static_cast<const float*>(call.src[0]) + o * v_.outer_step + i * v_.step;
  }

  bool whole_rows() const { return v_.inner == 1 && segments_ == 1; }

  void rows(const KernelCall& call, int64_t first) const {
    const int64_t n = std::min(kRows, v_.outer - first);
    double values[kRows];
    table().each[how_](source(call, first, 0), n, v_.outer_step, v_.n, values);
    write(call, first, values, n);
  }

  void row(const KernelCall& call, int64_t o, int64_t s) const {
    const Range r = part_of(v_.n, s, segments_, 64);
    const double value = table().all[how_](source(call, o, r.begin), r.end - r.begin);
    keep(call, o, s, &value, 1);
  }

  void strip(const KernelCall& call, int64_t o, int64_t begin, int64_t s) const {
    const Range r = part_of(v_.n, s, segments_, kFlushRows);
    const int64_t width = std::min(kStrip, v_.inner - begin);
    float acc[kStrip];
    double total[kStrip];
    std::fill_n(total, width, none_);
    for (int64_t first = r.begin; first < r.end; first += kFlushRows) {
      std::fill_n(acc, width, static_cast<float>(none_));
      table().rows[how_](acc, source(call, o, first) + begin, std::min(kFlushRows, r.end - first),
                         v_.step, width);
      table().into[how_](total, acc, width);
    }
    keep(call, o * v_.inner + begin, s, total, width);
  }

  // Results of one segment: `n` from result `at` on.
  void keep(const KernelCall& call, int64_t at, int64_t s, const double* values, int64_t n) const {
    if (segments_ == 1) return write(call, at, values, n);
    std::copy_n(values, n, reinterpret_cast<double*>(call.scratch) + s * v_.outer * v_.inner + at);
  }

  void join(const KernelCall& call, int64_t at) const {
    const int64_t all = v_.outer * v_.inner, n = std::min(kStrip, all - at);
    double total[kStrip];
    const double* values = reinterpret_cast<const double*>(call.scratch) + at;
    std::copy_n(values, n, total);
    for (int64_t s = 1; s < segments_; ++s)
      for (int64_t j = 0; j < n; ++j) total[j] = folded(total[j], values[s * all + j]);
    write(call, at, total, n);
  }

  double folded(double a, double b) const {
    switch (static_cast<Fold>(how_)) {
      case Fold::sum:
        return a + b;
      case Fold::product:
        return a * b;
      case Fold::max:
        return a > b || a != a ? a : b;
      default:
        return a < b || a != a ? a : b;
    }
  }

  void write(const KernelCall& call, int64_t at, const double* values, int64_t n) const {
    auto* dst = static_cast<float*>(call.dst[0]);
    if (dst_.dense() && !adds_) {
      for (int64_t j = 0; j < n; ++j) dst[at + j] = static_cast<float>(values[j]);
      return;
    }
    const int64_t cols = dst_.cols(), gap = dst_.row_stride - cols;
    for (int64_t j = 0; j < n; ++j) {
      float& y = dst[at + j + (gap == 0 ? 0 : (at + j) / cols * gap)];
      y = static_cast<float>(values[j]) + (adds_ ? y : 0.0F);
    }
  }

  size_t how_;
  double none_;
  FoldView v_;
  Operand dst_;
  bool adds_;
  int64_t strips_, segments_, units_;
  Hands hands_;
};

}  // namespace

std::unique_ptr<Kernel> make_fold_axes(const KernelRequest& request) {
  const auto fold = fold_form(request.node);
  const Operand& x = request.src[0];
  if (!fold || x.dtype != DType::f32) return nullptr;
  const auto rank = static_cast<int64_t>(x.sizes.size());
  const auto axes =
      normalize_axes(request.node.op->name, request.node.attr<std::vector<int64_t>>("axes"), rank);
  if (axes.empty() || axes.back() - axes.front() + 1 != static_cast<int64_t>(axes.size()))
    return nullptr;
  FoldView v;
  for (int64_t i = 0; i < rank; ++i)
    (i < axes.front() ? v.outer : (i > axes.back() ? v.inner : v.n)) *=
        x.sizes[static_cast<size_t>(i)];
  v.step = v.inner;
  v.outer_step = v.n * v.inner;
  if (!x.dense()) {
    // Gaps between rows: rows are what is reduced, or what lies beside it.
    if (v.inner == 1 && v.n == x.cols()) {
      v.outer_step = x.row_stride;
    } else if (v.inner == x.cols() && v.inner > 1) {
      v.step = x.row_stride;
      v.outer_step = v.n * x.row_stride;
    } else {
      return nullptr;
    }
  }
  return std::make_unique<FoldAxes>(request, *fold, v);
}

}  // namespace andiron::exec
