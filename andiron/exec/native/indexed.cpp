#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/parallel.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kParallelElements = 16384;

// Elements [outer, m, inner] at indices of the same shape into x [outer, n, inner].
struct Indexed {
  AxisView x;
  int64_t m;
  DType index_type;
  std::string op;

  int64_t index(const void* indices, int64_t i) const {
    return index_type == DType::i32 ? static_cast<const int32_t*>(indices)[i]
                                    : static_cast<const int64_t*>(indices)[i];
  }
  // Before any thread starts: an exception must not leave a parallel region.
  void check(const void* indices, int64_t count) const {
    for (int64_t i = 0; i < count; ++i)
      if (const int64_t k = index(indices, i); k < 0 || k >= x.n)
        fail("[{}] index {} is out of range for an axis of size {}", op, k, x.n);
  }
};

class GatherElements final : public Kernel {
 public:
  GatherElements(Indexed i, int threads) : i_(std::move(i)) {
    threads_ = i_.x.outer * i_.m * i_.x.inner < kParallelElements ? 1 : threads;
  }
  void run(const KernelCall& call) const override {
    const int64_t inner = i_.x.inner, rows = i_.x.outer * i_.m;
    i_.check(call.src[1], rows * inner);
    const auto* x = static_cast<const int32_t*>(call.src[0]);
    auto* dst = static_cast<int32_t*>(call.dst[0]);
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(rows, part, parts);
      for (int64_t r = range.begin; r < range.end; ++r) {
        const int32_t* from = x + r / i_.m * i_.x.n * inner;
        for (int64_t k = 0; k < inner; ++k)
          dst[r * inner + k] = from[i_.index(call.src[1], r * inner + k) * inner + k];
      }
    });
  }
  std::string_view name() const override { return "gather elements"; }

 private:
  Indexed i_;
  int threads_;
};

// Threads have their own rows of `outer`: what lies at one place is put in order.
class ScatterElements final : public Kernel {
 public:
  ScatterElements(Indexed i, bool add, int threads) : i_(std::move(i)), add_(add) {
    threads_ = i_.x.outer * (i_.m + i_.x.n) * i_.x.inner < kParallelElements ? 1 : threads;
    threads_ = static_cast<int>(std::clamp<int64_t>(threads_, 1, i_.x.outer));
  }
  void run(const KernelCall& call) const override {
    const int64_t inner = i_.x.inner, m = i_.m;
    i_.check(call.src[1], i_.x.outer * m * inner);
    parallel(threads_, [&](int part, int parts) {
      const Range range = part_of(i_.x.outer, part, parts);
      for (int64_t o = range.begin; o < range.end; ++o) {
        const int64_t size = i_.x.n * inner;
        const auto* x = static_cast<const float*>(call.src[0]) + o * size;
        const auto* updates = static_cast<const float*>(call.src[2]) + o * m * inner;
        auto* dst = static_cast<float*>(call.dst[0]) + o * size;
        std::memcpy(dst, x, static_cast<size_t>(size) * sizeof(float));
        for (int64_t j = 0; j < m; ++j)
          for (int64_t k = 0; k < inner; ++k) {
            const int64_t at = i_.index(call.src[1], (o * m + j) * inner + k) * inner + k;
            dst[at] = add_ ? dst[at] + updates[j * inner + k] : updates[j * inner + k];
          }
      }
    });
  }
  std::string_view name() const override { return "scatter elements"; }

 private:
  Indexed i_;
  bool add_;
  int threads_;
};

// dst [outer, n, inner] = sums of rows g [outer, m, inner] at indices [m].
class GatherGrad final : public Kernel {
 public:
  GatherGrad(Indexed i, int threads) : i_(std::move(i)) {
    const int64_t work = i_.x.outer * (i_.m + i_.x.n) * i_.x.inner;
    threads_ = work < kParallelElements ? 1 : threads;
  }
  void run(const KernelCall& call) const override {
    const int64_t inner = i_.x.inner;
    i_.check(call.src[1], i_.m);
    const auto* g = static_cast<const float*>(call.src[0]);
    auto* dst = static_cast<float*>(call.dst[0]);
    // Threads have their own columns, so every sum has the same order.
    parallel(threads_, [&](int part, int parts) {
      const Range columns = part_of(inner, part, parts, 16);
      const int64_t width = columns.end - columns.begin;
      for (int64_t o = 0; o < i_.x.outer && width > 0; ++o) {
        float* to = dst + o * i_.x.n * inner + columns.begin;
        for (int64_t j = 0; j < i_.x.n; ++j) std::fill_n(to + j * inner, width, 0.0F);
        for (int64_t j = 0; j < i_.m; ++j) {
          const float* from = g + (o * i_.m + j) * inner + columns.begin;
          float* row = to + i_.index(call.src[1], j) * inner;
#pragma omp simd
          for (int64_t k = 0; k < width; ++k) row[k] += from[k];
        }
      }
    });
  }
  std::string_view name() const override { return "gather gradient"; }

 private:
  Indexed i_;
  int threads_;
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
  return std::make_unique<GatherElements>(std::move(*i), request.threads);
}

std::unique_ptr<Kernel> make_scatter_elements(const KernelRequest& request) {
  auto i = by_elements(request);
  const auto& reduction = request.node.attr<std::string>("reduction");
  if (!i || request.src[0].dtype != DType::f32 || request.dst[0].count() == 0 ||
      (reduction != "none" && reduction != "add"))
    return nullptr;
  return std::make_unique<ScatterElements>(std::move(*i), reduction == "add", request.threads);
}

std::unique_ptr<Kernel> make_gather_grad(const KernelRequest& request) {
  if (request.src[0].dtype != DType::f32 || request.dst[0].count() == 0) return nullptr;
  return std::make_unique<GatherGrad>(
      indexed(request, request.dst[0].sizes, request.src[1].count()), request.threads);
}

}  // namespace andiron::exec
