#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/hands.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedElements = 16384;
constexpr int64_t kLine = 16;      // elements of a cache line
constexpr int64_t kChecked = 512;  // indices that are looked at before the first of them is used

// Elements [outer, m, inner] at indices of the same shape into x [outer, n, inner].
struct Indexed {
  AxisView x;
  int64_t m;
  DType index_type;
  std::string op;

  // f(indices) of their type.
  template <class F>
  void visit(const void* indices, F&& f) const {
    if (index_type == DType::i32)
      f(static_cast<const int32_t*>(indices));
    else
      f(static_cast<const int64_t*>(indices));
  }

  template <class Index>
  bool within(const Index* indices, int64_t count) const {
    const auto last = static_cast<Index>(
        std::min(x.n - 1, static_cast<int64_t>(std::numeric_limits<Index>::max())));
    Index outside = 0;  // negative: an index below 0 or beyond the last
#pragma omp simd reduction(| : outside)
    for (int64_t i = 0; i < count; ++i) {
      const Index k = indices[i];
      outside |= k | static_cast<Index>(k > last ? -1 : 0);
    }
    return outside >= 0;
  }

  // Names the first index that is out of range.
  template <class Index>
  void check(const Index* indices, int64_t count) const {
    if (within(indices, count)) return;
    for (int64_t i = 0; i < count; ++i)
      if (const auto k = static_cast<int64_t>(indices[i]); k < 0 || k >= x.n)
        fail("[{}] index {} is out of range for an axis of size {}", op, k, x.n);
  }
};

class GatherElements final : public Kernel {
 public:
  GatherElements(const KernelRequest& request, Indexed i)
      : i_(std::move(i)),
        hands_(request, i_.x.outer * i_.m * i_.x.inner >= kSharedElements, i_.x.outer * i_.m) {}

  void run(const KernelCall& call) const override {
    i_.visit(call.src[1], [&](const auto* indices) { run(call, indices); });
  }
  std::string_view name() const override { return "gather elements"; }

 private:
  template <class Index>
  void run(const KernelCall& call, const Index* indices) const {
    const int64_t inner = i_.x.inner, rows = i_.x.outer * i_.m;
    std::atomic<bool> bad = false;
    hands_.run([&](int part, int parts) {
      const Range range = part_of(rows, part, parts);
      auto* dst = static_cast<int32_t*>(call.dst[0]);
      for (int64_t r = range.begin; r < range.end;) {
        const int64_t o = r / i_.m, end = std::min(range.end, (o + 1) * i_.m);
        const auto* x = static_cast<const int32_t*>(call.src[0]) + o * i_.x.n * inner;
        // Without neighbours beside the axis its places are a row themselves.
        const int64_t step = inner == 1 ? end - r : 1;
        for (; r < end; r += step)
          if (!row(x, indices + r * inner, dst + r * inner, step * inner)) {
            bad = true;
            return;
          }
      }
    });
    // Not where it was found: an exception must not leave a parallel region.
    if (bad) i_.check(indices, rows * inner);
  }

  template <class Index>
  bool row(const int32_t* x, const Index* indices, int32_t* dst, int64_t width) const {
    const int64_t inner = i_.x.inner, beside = inner == 1 ? 0 : 1;
    for (int64_t begin = 0; begin < width; begin += kChecked) {
      const int64_t end = std::min(width, begin + kChecked);
      if (!i_.within(indices + begin, end - begin)) return false;
      for (int64_t k = begin; k < end; ++k)
        dst[k] = x[static_cast<int64_t>(indices[k]) * inner + k * beside];
    }
    return true;
  }

  Indexed i_;
  Hands hands_;
};

// Who works at a place of `outer` or on a strip of columns does all of it: what lies at one place
// is put in order.
class ScatterElements final : public Kernel {
 public:
  ScatterElements(const KernelRequest& request, Indexed i, bool add)
      : i_(std::move(i)),
        add_(add),
        hands_(request, i_.x.outer * (i_.m + i_.x.n) * i_.x.inner >= kSharedElements,
               i_.x.outer * lines()),
        strips_(i_.x.outer >= hands_.parts() ? 1 : std::min<int64_t>(hands_.parts(), lines())) {}

  void run(const KernelCall& call) const override {
    i_.visit(call.src[1], [&](const auto* indices) {
      add_ ? run<true>(call, indices) : run<false>(call, indices);
    });
  }
  std::string_view name() const override { return "scatter elements"; }

 private:
  int64_t lines() const { return (i_.x.inner + kLine - 1) / kLine; }

  template <bool kAdd, class Index>
  void run(const KernelCall& call, const Index* indices) const {
    std::atomic<bool> bad = false;
    hands_.run([&](int part, int parts) {
      const Range range = part_of(i_.x.outer * strips_, part, parts);
      for (int64_t u = range.begin; u < range.end; ++u) {
        const Range columns = part_of(i_.x.inner, u % strips_, strips_, kLine);
        if (!strip<kAdd>(call, indices, u / strips_, columns)) bad = true;
      }
    });
    if (bad) i_.check(indices, i_.x.outer * i_.m * i_.x.inner);
  }

  template <bool kAdd, class Index>
  bool strip(const KernelCall& call, const Index* indices, int64_t o, const Range& columns) const {
    const int64_t inner = i_.x.inner, n = i_.x.n, width = columns.end - columns.begin;
    const int64_t at = o * n * inner + columns.begin, first = o * i_.m * inner + columns.begin;
    const auto* x = static_cast<const float*>(call.src[0]) + at;
    const auto* updates = static_cast<const float*>(call.src[2]) + first;
    auto* dst = static_cast<float*>(call.dst[0]) + at;
    const bool whole = width == inner;
    for (int64_t j = 0; j < (whole ? 1 : n); ++j)
      std::memcpy(dst + j * inner, x + j * inner,
                  static_cast<size_t>(whole ? n * inner : width) * sizeof(float));
    // Places of one column follow each other without a column beside.
    const int64_t run = inner == 1 ? std::min(i_.m, kChecked) : 1;
    for (int64_t j = 0; j < i_.m; j += run) {
      const int64_t count = inner == 1 ? std::min(run, i_.m - j) : width;
      if (!put<kAdd>(dst, indices + first + j * inner, updates + j * inner, count)) return false;
    }
    return true;
  }

  template <bool kAdd, class Index>
  bool put(float* dst, const Index* indices, const float* updates, int64_t width) const {
    const int64_t inner = i_.x.inner, beside = inner == 1 ? 0 : 1;
    if (!i_.within(indices, width)) return false;
    for (int64_t k = 0; k < width; ++k) {
      float& y = dst[static_cast<int64_t>(indices[k]) * inner + k * beside];
      y = kAdd ? y + updates[k] : updates[k];
    }
    return true;
  }

  Indexed i_;
  bool add_;
  Hands hands_;
  int64_t strips_;
};

// dst [outer, n, inner] = sums of rows g [outer, m, inner] at indices [m].
class GatherGrad final : public Kernel {
 public:
  GatherGrad(const KernelRequest& request, Indexed i)
      : i_(std::move(i)),
        hands_(request, i_.x.outer * (i_.m + i_.x.n) * i_.x.inner >= kSharedElements,
               (i_.x.inner + kLine - 1) / kLine) {}

  void run(const KernelCall& call) const override {
    i_.visit(call.src[1], [&](const auto* indices) { run(call, indices); });
  }
  std::string_view name() const override { return "gather gradient"; }

 private:
  template <class Index>
  void run(const KernelCall& call, const Index* indices) const {
    const int64_t inner = i_.x.inner;
    i_.check(indices, i_.m);
    const auto* g = static_cast<const float*>(call.src[0]);
    auto* dst = static_cast<float*>(call.dst[0]);
    // Threads have their own columns, so every sum has the same order.
    hands_.run([&](int part, int parts) {
      const Range columns = part_of(inner, part, parts, kLine);
      const int64_t width = columns.end - columns.begin;
      for (int64_t o = 0; o < i_.x.outer && width > 0; ++o) {
        float* to = dst + o * i_.x.n * inner + columns.begin;
        for (int64_t j = 0; j < i_.x.n; ++j) std::fill_n(to + j * inner, width, 0.0F);
        for (int64_t j = 0; j < i_.m; ++j) {
          const float* from = g + (o * i_.m + j) * inner + columns.begin;
          float* row = to + static_cast<int64_t>(indices[j]) * inner;
#pragma omp simd
          for (int64_t k = 0; k < width; ++k) row[k] += from[k];
        }
      }
    });
  }

  Indexed i_;
  Hands hands_;
};

// The indices of an op on elements: of x's sizes but along the axis.
bool same_beside_axis(const Sizes& x, const Sizes& indices, int64_t axis) {
  Sizes wanted = x;
  const auto at = static_cast<size_t>(normalize_axis("axis", axis, static_cast<int64_t>(x.size())));
  wanted[at] = indices[at];
  return wanted == indices;
}

Indexed indexed(const KernelRequest& request, const Sizes& x, int64_t m) {
  return {along_axis(x, request.node.attr<int64_t>("axis")), m, request.src[1].dtype,
          std::string(request.node.op->name)};
}

std::optional<Indexed> by_elements(const KernelRequest& request) {
  const Sizes &x = request.src[0].sizes, &indices = request.src[1].sizes;
  const auto axis = request.node.attr<int64_t>("axis");
  if (size_of(request.src[0].dtype) != 4 || !same_beside_axis(x, indices, axis))
    return std::nullopt;
  return indexed(request, x, along_axis(indices, axis).n);
}

}  // namespace

std::unique_ptr<Kernel> make_gather_elements(const KernelRequest& request) {
  auto i = by_elements(request);
  if (!i || request.dst[0].count() == 0) return nullptr;
  return std::make_unique<GatherElements>(request, std::move(*i));
}

std::unique_ptr<Kernel> make_scatter_elements(const KernelRequest& request) {
  auto i = by_elements(request);
  const auto& reduction = request.node.attr<std::string>("reduction");
  if (!i || request.src[0].dtype != DType::f32 || request.dst[0].count() == 0 ||
      (reduction != "none" && reduction != "add"))
    return nullptr;
  return std::make_unique<ScatterElements>(request, std::move(*i), reduction == "add");
}

std::unique_ptr<Kernel> make_gather_grad(const KernelRequest& request) {
  if (request.src[0].dtype != DType::f32 || request.dst[0].count() == 0) return nullptr;
  return std::make_unique<GatherGrad>(
      request, indexed(request, request.dst[0].sizes, request.src[1].count()));
}

}  // namespace andiron::exec
