#include "andiron/exec/native/box_copy.hpp"

#include <algorithm>
#include <cstring>

#include "andiron/exec/native/hands.hpp"
#include "andiron/exec/native/transpose8.hpp"

namespace andiron::exec {

namespace {

constexpr int64_t kSharedBytes = 1 << 18, kPartBytes = 1 << 14;

Sizes strides_of(const Operand& operand) {
  Sizes strides(operand.sizes.size(), 1);
  for (size_t i = strides.size(); i-- > 0;) {
    if (i + 2 == strides.size()) strides[i] = operand.row_stride;
    if (i + 2 < strides.size()) strides[i] = strides[i + 1] * operand.sizes[i + 1];
  }
  return strides;
}

struct Axis {
  int64_t size, src, dst;  // steps in bytes
};

/// Copies a box of elements from one place of a source to one of a destination.
class Box {
 public:
  Box(size_t src, size_t dst, int64_t item, const Sizes& sizes, const Sizes& src_strides,
      const Sizes& dst_strides, int64_t src_offset, int64_t dst_offset)
      : src_(src),
        dst_(dst),
        item_(item),
        src_offset_(src_offset * item),
        dst_offset_(dst_offset * item) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      const Axis axis{sizes[i], src_strides[i] * item, dst_strides[i] * item};
      count_ *= axis.size;
      if (axis.size == 1) continue;
      const bool joins = !axes_.empty() && axes_.back().src == axis.size * axis.src &&
                         axes_.back().dst == axis.size * axis.dst;
      if (joins) {
        axes_.back() = {axes_.back().size * axis.size, axis.src, axis.dst};
      } else {
        axes_.push_back(axis);
      }
    }
    span_ = item;
    if (!axes_.empty() && axes_.back().src == item && axes_.back().dst == item) {
      span_ = axes_.back().size * item;
      axes_.pop_back();
    }
  }

  int64_t n_bytes() const { return count_ * item_; }

  /// How many runs of bytes it is, where they lie along one axis; else 0.
  int64_t n_runs() const { return axes_.size() == 1 && count_ > 0 ? axes_[0].size : 0; }
  void copy_run(const KernelCall& call, int64_t i) const {
    std::memcpy(static_cast<std::byte*>(call.dst[dst_]) + dst_offset_ + i * axes_[0].dst,
                static_cast<const std::byte*>(call.src[src_]) + src_offset_ + i * axes_[0].src,
                static_cast<size_t>(span_));
  }

  // The part-th of `parts` shares of the outermost axis, or of the second where that is longer.
  void run(const KernelCall& call, int part, int parts) const {
    if (count_ == 0) return;
    const auto* src = static_cast<const std::byte*>(call.src[src_]) + src_offset_;
    auto* dst = static_cast<std::byte*>(call.dst[dst_]) + dst_offset_;
    if (axes_.empty()) {
      const Range r = part_of(span_, part, parts, 64);
      std::memcpy(dst + r.begin, src + r.begin, static_cast<size_t>(r.end - r.begin));
      return;
    }
    const bool second =
        axes_.size() > 2 && axes_[0].size < 8 * parts && axes_[0].size < axes_[1].size;
    const size_t cut = second ? 1 : 0;
    const int64_t grain = span_ == item_ && cut + 2 >= axes_.size() ? kSquare : 1;
    const Range r = part_of(axes_[cut].size, part, parts, grain);
    dst += r.begin * axes_[cut].dst;
    src += r.begin * axes_[cut].src;
    for (int64_t i = 0; i < (second ? axes_[0].size : 1); ++i)
      copy(dst + i * axes_[0].dst, src + i * axes_[0].src, cut, r.end - r.begin);
  }

 private:
  static constexpr int64_t kSquare = 16;

  void copy(std::byte* dst, const std::byte* src, size_t axis, int64_t size) const {
    const Axis& a = axes_[axis];
    if (axis + 1 == axes_.size()) {
      row(dst, src, size, a);
    } else if (axis + 2 == axes_.size() && span_ == item_ && a.src < axes_[axis + 1].src) {
      squares(dst, src, size, a, axes_[axis + 1]);
    } else {
      for (int64_t i = 0; i < size; ++i)
        copy(dst + i * a.dst, src + i * a.src, axis + 1, axes_[axis + 1].size);
    }
  }

  // Few planes, one behind the other in the source, pixel by pixel in the destination, as images
  // have them.
  template <class T, int kPlanes>
  static void interleave(std::byte* __restrict dst, const std::byte* src, int64_t n,
                         int64_t plane) {
    constexpr auto kItem = static_cast<int64_t>(sizeof(T));
    for (int64_t i = 0; i < n; ++i)
      for (int64_t c = 0; c < kPlanes; ++c) {
        T value;
        std::memcpy(&value, src + c * plane + i * kItem, sizeof(T));
        std::memcpy(dst + (i * kPlanes + c) * kItem, &value, sizeof(T));
      }
  }

  template <int kPlanes>
  bool interleaved(std::byte* dst, const std::byte* src, int64_t n, int64_t plane) const {
    if (item_ == 1) return interleave<uint8_t, kPlanes>(dst, src, n, plane), true;
    if (item_ == 2) return interleave<uint16_t, kPlanes>(dst, src, n, plane), true;
    if (item_ == 4) return interleave<uint32_t, kPlanes>(dst, src, n, plane), true;
    return false;
  }

  // The source runs along a, the destination along b: squares of both.
  void squares(std::byte* dst, const std::byte* src, int64_t size, const Axis& a,
               const Axis& b) const {
    if (a.src == item_ && b.dst == item_ && a.dst == b.size * item_) {
      if (b.size == 3 && interleaved<3>(dst, src, size, b.src)) return;
      if (b.size == 4 && interleaved<4>(dst, src, size, b.src)) return;
    }
    int64_t i = 0;
    const int64_t whole = item_ == 4 && a.src == 4 && b.dst == 4 ? b.size / kSquare * kSquare : 0;
    for (; whole > 0 && i + 8 <= size; i += 8)
      for (int64_t j = 0; j < whole; j += kSquare)
        for (int64_t half = j; half < j + kSquare; half += 8)
          square(dst + i * a.dst + half * 4, a.dst, src + i * 4 + half * b.src, b.src);
    const auto strips = [&](int64_t first_i, int64_t last_i, int64_t first_j) {
      for (int64_t j = first_j; j < b.size; j += kSquare)
        for (int64_t k = first_i; k < last_i; ++k)
          row(dst + k * a.dst + j * b.dst, src + k * a.src + j * b.src,
              std::min(kSquare, b.size - j), b);
    };
    strips(0, i, whole);
    strips(i, size, 0);
  }

  // 8 x 8 elements of 4 bytes.
  static void square(std::byte* dst, int64_t dst_step, const std::byte* src, int64_t src_step) {
    __m256 r[8];
    for (int k = 0; k < 8; ++k)
      r[k] = _mm256_loadu_ps(reinterpret_cast<const float*>(src + k * src_step));
    transpose8(r);
    for (int k = 0; k < 8; ++k)
      _mm256_storeu_ps(reinterpret_cast<float*>(dst + k * dst_step), r[k]);
  }

  void row(std::byte* dst, const std::byte* src, int64_t n, const Axis& a) const {
    switch (span_) {
      case 1:
        return elements<uint8_t>(dst, src, n, a);
      case 2:
        return elements<uint16_t>(dst, src, n, a);
      case 4:
        return elements<uint32_t>(dst, src, n, a);
      case 8:
        return elements<uint64_t>(dst, src, n, a);
      default:
        for (int64_t i = 0; i < n; ++i)
          std::memcpy(dst + i * a.dst, src + i * a.src, static_cast<size_t>(span_));
    }
  }

  template <class T>
  static void elements(std::byte* dst, const std::byte* src, int64_t n, const Axis& a) {
    for (int64_t i = 0; i < n; ++i) {
      T value;
      std::memcpy(&value, src + i * a.src, sizeof(T));
      std::memcpy(dst + i * a.dst, &value, sizeof(T));
    }
  }

  size_t src_, dst_;
  int64_t item_, src_offset_, dst_offset_, span_ = 0, count_ = 1;
  std::vector<Axis> axes_;
};

/// A list of boxes.
class BoxCopy final : public Kernel {
 public:
  BoxCopy(std::vector<Box> boxes, const KernelRequest& request) : boxes_(std::move(boxes)) {
    int64_t n_bytes = 0;
    for (const Box& box : boxes_) n_bytes += box.n_bytes();
    hands_ = Hands(request, n_bytes >= kSharedBytes, n_bytes / kPartBytes);
    runs_ = boxes_.size() < 2 ? 0 : boxes_[0].n_runs();
    for (const Box& box : boxes_)
      if (box.n_runs() != runs_) runs_ = 0;
  }

  void run(const KernelCall& call) const override {
    hands_.run([&](int part, int parts) {
      // Columns side by side: row by row, so that memory is passed through once.
      const Range rows = part_of(runs_, part, parts);
      for (int64_t i = rows.begin; i < rows.end; ++i)
        for (const Box& box : boxes_) box.copy_run(call, i);
      if (runs_ > 0) return;
      for (const Box& box : boxes_) box.run(call, part, parts);
    });
  }
  std::string_view name() const override { return "copy"; }

 private:
  std::vector<Box> boxes_;
  int64_t runs_ = 0;  ///< of each box, when all have as many
  Hands hands_;
};

int64_t item_of(const Operand& o) { return static_cast<int64_t>(size_of(o.dtype)); }

int64_t offset_of(const Sizes& begin, const Sizes& strides) {
  int64_t offset = 0;
  for (size_t i = 0; i < begin.size(); ++i) offset += begin[i] * strides[i];
  return offset;
}

}  // namespace

std::unique_ptr<Kernel> make_concat(const KernelRequest& request) {
  const Operand& dst = request.dst[0];
  const auto axis = static_cast<size_t>(normalize_axis("concat", request.node.attr<int64_t>("axis"),
                                                       static_cast<int64_t>(dst.sizes.size())));
  std::vector<Box> boxes;
  int64_t begin = 0;
  for (size_t i = 0; i < request.src.size(); ++i) {
    const Operand& src = request.src[i];
    boxes.emplace_back(i, 0, item_of(dst), src.sizes, strides_of(src), strides_of(dst), 0,
                       begin * strides_of(dst)[axis]);
    begin += src.sizes[axis];
  }
  return std::make_unique<BoxCopy>(std::move(boxes), request);
}

std::unique_ptr<Kernel> make_split(const KernelRequest& request) {
  const Operand& src = request.src[0];
  const auto axis = static_cast<size_t>(normalize_axis("split", request.node.attr<int64_t>("axis"),
                                                       static_cast<int64_t>(src.sizes.size())));
  std::vector<Box> boxes;
  int64_t begin = 0;
  for (size_t i = 0; i < request.dst.size(); ++i) {
    const Operand& dst = request.dst[i];
    boxes.emplace_back(0, i, item_of(src), dst.sizes, strides_of(src), strides_of(dst),
                       begin * strides_of(src)[axis], 0);
    begin += dst.sizes[axis];
  }
  return std::make_unique<BoxCopy>(std::move(boxes), request);
}

std::unique_ptr<Kernel> make_slice(const KernelRequest& request) {
  const Operand &src = request.src[0], &dst = request.dst[0];
  const Sizes begin = request.node.attr<Shape>("begin").sizes();
  std::vector<Box> boxes;
  boxes.emplace_back(0, 0, item_of(src), dst.sizes, strides_of(src), strides_of(dst),
                     offset_of(begin, strides_of(src)), 0);
  return std::make_unique<BoxCopy>(std::move(boxes), request);
}

std::unique_ptr<Kernel> make_transpose(const KernelRequest& request) {
  const Operand &src = request.src[0], &dst = request.dst[0];
  const auto rank = static_cast<int64_t>(src.sizes.size());
  std::vector<int64_t> permutation = request.node.attr<std::vector<int64_t>>("permutation");
  if (permutation.empty())
    for (int64_t i = rank; i-- > 0;) permutation.push_back(i);
  const Sizes src_strides = strides_of(src);
  Sizes permuted;
  for (int64_t axis : permutation)
    permuted.push_back(src_strides[static_cast<size_t>(normalize_axis("transpose", axis, rank))]);
  std::vector<Box> boxes;
  boxes.emplace_back(0, 0, item_of(src), dst.sizes, permuted, strides_of(dst), 0, 0);
  return std::make_unique<BoxCopy>(std::move(boxes), request);
}

}  // namespace andiron::exec
