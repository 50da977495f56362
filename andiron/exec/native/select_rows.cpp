#include "andiron/exec/native/select_rows.hpp"

#include <algorithm>
#include <cstring>

#include "andiron/base/error.hpp"
#include "andiron/exec/native/along_axis.hpp"
#include "andiron/exec/native/folds.hpp"
#include "andiron/exec/native/hands.hpp"

namespace andiron::exec {

namespace {

// From so much work on, in elements passed over, a team's and a crew's help is worth it.
constexpr int64_t kParallelElements = 16384, kSharedElements = 65536;

Hands hands_for(const KernelRequest& request, int64_t work, int64_t most_parts) {
  return {request, work >= kParallelElements, work >= kSharedElements, most_parts};
}

/// `each(call, i)` for i in [0, n), on several threads when there is enough work.
template <class Each>
class ForEach final : public Kernel {
 public:
  ForEach(const KernelRequest& request, int64_t n, int64_t work, std::string_view name, Each each)
      : n_(n), hands_(hands_for(request, n * work, n)), name_(name), each_(each) {}

  void run(const KernelCall& call) const override {
    each_.check(call);
    hands_.run([&](int part, int parts) {
      const Range range = part_of(n_, part, parts);
      for (int64_t i = range.begin; i < range.end; ++i) each_(call, i);
    });
  }
  std::string_view name() const override { return name_; }

 private:
  int64_t n_;
  Hands hands_;
  std::string_view name_;
  Each each_;
};

template <class Each>
std::unique_ptr<Kernel> for_each(const KernelRequest& request, int64_t n, int64_t work,
                                 std::string_view name, Each each) {
  return std::make_unique<ForEach<Each>>(request, n, work, name, each);
}

// NaN is the greatest of all.
bool exceeds(float a, float b) { return a > b || (a != a && b == b); }

struct Argmax {
  int64_t n;
  void check(const KernelCall&) const {}
  void operator()(const KernelCall& call, int64_t r) const {
    const float* x = static_cast<const float*>(call.src[0]) + r * n;
    static_cast<int32_t*>(call.dst[0])[r] = static_cast<int32_t>(fold_table().argmax(x, n));
  }
};

// Along an axis that is not the last: a strip of neighbours goes along together.
struct ArgmaxStrip {
  static constexpr int64_t kStrip = 64;
  AxisView v;
  int64_t strips() const { return (v.inner + kStrip - 1) / kStrip; }
  void check(const KernelCall&) const {}
  void operator()(const KernelCall& call, int64_t i) const {
    const int64_t o = i / strips(), first = i % strips() * kStrip;
    const int64_t width = std::min(kStrip, v.inner - first);
    const float* x = static_cast<const float*>(call.src[0]) + o * v.n * v.inner + first;
    int32_t* dst = static_cast<int32_t*>(call.dst[0]) + o * v.inner + first;
    float top[kStrip];
    int32_t best[kStrip];
    for (int64_t k = 0; k < width; ++k) {
      top[k] = x[k];
      best[k] = 0;
    }
    for (int64_t j = 1; j < v.n; ++j) {
#pragma omp simd
      for (int64_t k = 0; k < width; ++k) {
        const float y = x[j * v.inner + k];
        const bool greater = (y > top[k]) | ((y != y) & (top[k] == top[k]));
        top[k] = greater ? y : top[k];
        best[k] = greater ? static_cast<int32_t>(j) : best[k];
      }
    }
    std::copy_n(best, width, dst);
  }
};

struct Topk {
  int64_t n, k;
  void check(const KernelCall&) const {}
  void operator()(const KernelCall& call, int64_t r) const {
    const float* x = static_cast<const float*>(call.src[0]) + r * n;
    float* values = static_cast<float*>(call.dst[0]) + r * k;
    int32_t* indices = static_cast<int32_t*>(call.dst[1]) + r * k;
    int64_t filled = 0;
    auto insert = [&](int64_t j) {
      int64_t at = filled < k ? filled++ : k - 1;
      for (; at > 0 && exceeds(x[j], values[at - 1]); --at) {
        values[at] = values[at - 1];
        indices[at] = indices[at - 1];
      }
      values[at] = x[j];
      indices[at] = static_cast<int32_t>(j);
    };
    int64_t i = 0;
    while (i < k) insert(i++);
    constexpr int64_t kStrip = 32;
    while (i < n) {
      const int64_t end = std::min(n, i + kStrip);
      const float last = values[k - 1];
      int found = 0;
      for (int64_t j = i; j < end; ++j) found |= !(x[j] <= last);
      for (; found != 0 && i < end; ++i)
        if (exceeds(x[i], values[k - 1])) insert(i);
      i = end;
    }
  }
};

int64_t index_at(DType dtype, const void* indices, int64_t i) {
  return dtype == DType::i32 ? static_cast<const int32_t*>(indices)[i]
                             : static_cast<const int64_t*>(indices)[i];
}

// x [outer, n, inner bytes], indices [m]
class Gather final : public Kernel {
 public:
  Gather(const KernelRequest& request, int64_t outer, int64_t n, int64_t m, int64_t inner,
         int64_t axis)
      : index_type_(request.src[1].dtype),
        outer_(outer),
        n_(n),
        m_(m),
        inner_(inner),
        axis_(axis),
        hands_(hands_for(request, outer * m * (inner / 4 + 1), outer * m)) {}
  void run(const KernelCall& call) const override {
    if (index_type_ == DType::i32) return run(call, static_cast<const int32_t*>(call.src[1]));
    run(call, static_cast<const int64_t*>(call.src[1]));
  }
  std::string_view name() const override { return "gather rows"; }

 private:
  template <class Index>
  void run(const KernelCall& call, const Index* indices) const {
    check(indices);
    hands_.run([&](int part, int parts) {
      const Range range = part_of(outer_ * m_, part, parts);
      const auto* x = static_cast<const std::byte*>(call.src[0]);
      auto* dst = static_cast<std::byte*>(call.dst[0]) + range.begin * inner_;
      int64_t o = range.begin / std::max<int64_t>(m_, 1), j = range.begin - o * m_;
      for (int64_t i = range.begin; i < range.end; ++i, dst += inner_) {
        const std::byte* src = x + (o * n_ + static_cast<int64_t>(indices[j])) * inner_;
        std::memcpy(dst, src, static_cast<size_t>(inner_));
        if (++j == m_) {
          j = 0;
          ++o;
        }
      }
    });
  }

  // Before any thread starts: an exception must not leave a parallel region.
  template <class Index>
  void check(const Index* indices) const {
    bool bad = false;
    for (int64_t j = 0; j < m_; ++j)
      bad |= (indices[j] < 0) | (static_cast<int64_t>(indices[j]) >= n_);
    for (int64_t j = 0; bad && j < m_; ++j)
      if (const auto index = static_cast<int64_t>(indices[j]); index < 0 || index >= n_)
        fail("[gather] index {} is out of range for axis {} of size {}", index, axis_, n_);
  }

  DType index_type_;
  int64_t outer_, n_, m_, inner_, axis_;
  Hands hands_;
};

struct OneHot {
  DType index_type, dtype;
  int64_t depth;
  Tensor one;
  void check(const KernelCall&) const {}
  void operator()(const KernelCall& call, int64_t i) const {
    const auto item = static_cast<int64_t>(size_of(dtype));
    auto* row = static_cast<std::byte*>(call.dst[0]) + i * depth * item;
    std::memset(row, 0, static_cast<size_t>(depth * item));
    const int64_t index = index_at(index_type, call.src[0], i);
    if (index >= 0 && index < depth)
      std::memcpy(row + index * item, one.raw(), static_cast<size_t>(item));
  }
};

}  // namespace

std::unique_ptr<Kernel> make_argmax(const KernelRequest& request) {
  const Operand& x = request.src[0];
  const auto rank = static_cast<int64_t>(x.sizes.size());
  if (x.dtype != DType::f32 || x.count() == 0) return nullptr;
  const auto axis = request.node.attr<int64_t>("axis");
  if (normalize_axis("argmax", axis, rank) != rank - 1) {
    const ArgmaxStrip strip{along_axis(x.sizes, axis)};
    return for_each(request, strip.v.outer * strip.strips(), strip.v.n * ArgmaxStrip::kStrip,
                    "argmax strips", strip);
  }
  return for_each(request, x.rows(), x.cols(), "argmax rows", Argmax{x.cols()});
}

std::unique_ptr<Kernel> make_topk(const KernelRequest& request) {
  const Operand& x = request.src[0];
  if (x.dtype != DType::f32) return nullptr;
  return for_each(request, x.rows(), x.cols(), "topk rows",
                  Topk{x.cols(), request.node.attr<int64_t>("k")});
}

std::unique_ptr<Kernel> make_gather(const KernelRequest& request) {
  const Operand& x = request.src[0];
  const int64_t axis = normalize_axis("gather", request.node.attr<int64_t>("axis"),
                                      static_cast<int64_t>(x.sizes.size()));
  int64_t outer = 1, inner = static_cast<int64_t>(size_of(x.dtype));
  for (int64_t i = 0; i < static_cast<int64_t>(x.sizes.size()); ++i) {
    if (i < axis) outer *= x.sizes[static_cast<size_t>(i)];
    if (i > axis) inner *= x.sizes[static_cast<size_t>(i)];
  }
  const int64_t m = request.src[1].count();
  return std::make_unique<Gather>(request, outer, x.sizes[static_cast<size_t>(axis)], m, inner,
                                  axis);
}

std::unique_ptr<Kernel> make_one_hot(const KernelRequest& request) {
  const DType dtype = request.dst[0].dtype;
  const int64_t depth = request.node.attr<int64_t>("depth");
  return for_each(request, request.src[0].count(), depth, "one_hot rows",
                  OneHot{request.src[0].dtype, dtype, depth, Tensor::scalar(1.0, dtype)});
}

}  // namespace andiron::exec
