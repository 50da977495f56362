#pragma once

#include "andiron/tensor/tensor.hpp"

namespace andiron::ops {

/// The part of a dense tensor that starts at `begin` and has `sizes`: a view.
inline Tensor block_of(const Tensor& t, const Sizes& begin, const Sizes& sizes) {
  int64_t offset = 0;
  for (size_t i = 0; i < begin.size(); ++i) offset += begin[i] * t.strides()[i];
  return Tensor(t.buffer(), t.dtype(), sizes, t.strides(),
                t.byte_offset() + offset * static_cast<int64_t>(size_of(t.dtype())));
}

}  // namespace andiron::ops
