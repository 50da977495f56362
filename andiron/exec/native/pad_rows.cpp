#include <algorithm>
#include <cstring>

#include "andiron/exec/native/box_copy.hpp"
#include "andiron/exec/native/hands.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedBytes = 1 << 18, kPartBytes = 1 << 14;

// Row by row, edges and middle: every place of the destination is written once.
class PadRows final : public Kernel {
 public:
  PadRows(const KernelRequest& request, Sizes low, double value)
      : src_(request.src[0]),
        dst_(request.dst[0]),
        low_(std::move(low)),
        value_(Tensor::scalar(value, dst_.dtype)) {
    src_steps_ = steps_of(src_);
    dst_steps_ = steps_of(dst_);
    last_ = dst_.sizes.size() - 1;
    const int64_t n_bytes = dst_.count() * static_cast<int64_t>(size_of(dst_.dtype));
    hands_ = Hands(request, n_bytes >= kSharedBytes, n_bytes / kPartBytes);
    while (cut_ + 2 < dst_.sizes.size() && dst_.sizes[cut_] < 4 * hands_.parts()) ++cut_;
  }

  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      const Range range = part_of(dst_.sizes[cut_], part, parts);
      visit_dtype(dst_.dtype, [&]<class T>() {
        const T value = *value_.data<T>();
        axis(0, static_cast<T*>(call.dst[0]), static_cast<const T*>(call.src[0]), range, value);
      });
    });
  }
  std::string_view name() const override { return "pad"; }

 private:
  static Sizes steps_of(const Operand& operand) {
    Sizes steps(operand.sizes.size(), 1);
    for (size_t i = steps.size(); i-- > 0;) {
      if (i + 2 == steps.size()) steps[i] = operand.row_stride;
      if (i + 2 < steps.size()) steps[i] = steps[i + 1] * operand.sizes[i + 1];
    }
    return steps;
  }

  // src is null outside of the box. Of the axis `cut_` the range.
  template <class T>
  void axis(size_t k, T* dst, const T* src, const Range& range, T value) const {
    const int64_t size = dst_.sizes[k];
    const int64_t begin = k == cut_ ? range.begin : 0, end = k == cut_ ? range.end : size;
    const int64_t first = low_[k], behind = first + src_.sizes[k];
    if (k == last_) {
      row(dst, src, begin, end, first, behind, value);
      return;
    }
    for (int64_t i = begin; i < end; ++i) {
      const bool inside = src != nullptr && i >= first && i < behind;
      axis(k + 1, dst + i * dst_steps_[k], inside ? src + (i - first) * src_steps_[k] : nullptr,
           range, value);
    }
  }

  template <class T>
  static void row(T* dst, const T* src, int64_t begin, int64_t end, int64_t first, int64_t behind,
                  T value) {
    const int64_t from = std::clamp(src == nullptr ? end : first, begin, end);
    const int64_t to = std::clamp(src == nullptr ? end : behind, from, end);
    std::fill(dst + begin, dst + from, value);
    if (to > from) std::copy(src + (from - first), src + (to - first), dst + from);
    std::fill(dst + to, dst + end, value);
  }

  Operand src_, dst_;
  Sizes low_, src_steps_, dst_steps_;
  Tensor value_;
  size_t last_ = 0, cut_ = 0;
  Hands hands_;
};

}  // namespace

std::unique_ptr<Kernel> make_pad(const KernelRequest& request) {
  const Operand &src = request.src[0], &dst = request.dst[0];
  if (dst.sizes.empty() || src.dtype != dst.dtype) return nullptr;
  return std::make_unique<PadRows>(request, request.node.attr<Shape>("low").sizes(),
                                   request.node.attr<double>("value"));
}

}  // namespace andiron::exec
