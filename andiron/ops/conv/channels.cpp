#include "andiron/ops/conv/channels.hpp"

#include <algorithm>
#include <numeric>

namespace andiron::ops {

Shape channels_first(Shape shape, bool channels_last) {
  if (channels_last && shape.rank() > 2)
    std::rotate(shape.begin() + 1, shape.end() - 1, shape.end());
  return shape;
}

Shape channels_last(Shape shape, bool channels_last) {
  if (channels_last && shape.rank() > 2)
    std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  return shape;
}

Tensor channels_first_view(const Tensor& t, bool channels_last) {
  if (!channels_last || t.rank() < 3) return t;
  Sizes sizes = t.sizes(), strides = t.strides();
  std::rotate(sizes.begin() + 1, sizes.end() - 1, sizes.end());
  std::rotate(strides.begin() + 1, strides.end() - 1, strides.end());
  return Tensor(t.buffer(), t.dtype(), sizes, strides, t.byte_offset());
}

std::vector<int64_t> to_channels_last(int64_t rank) {
  std::vector<int64_t> axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  if (rank > 2) std::rotate(axes.begin() + 1, axes.begin() + 2, axes.end());
  return axes;
}

std::vector<int64_t> to_channels_first(int64_t rank) {
  std::vector<int64_t> axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  if (rank > 2) std::rotate(axes.begin() + 1, axes.end() - 1, axes.end());
  return axes;
}

}  // namespace andiron::ops
