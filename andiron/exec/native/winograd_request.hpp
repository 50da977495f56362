#pragma once

#include "andiron/exec/kernel.hpp"
#include "andiron/exec/native/winograd_table.hpp"
#include "andiron/ops/conv/conv.hpp"

namespace andiron::exec {

/// Whether Winograd's algorithm can do the convolution of a request.
bool winograd_possible(const KernelRequest& request, const ops::ConvShape& s);

/// Whether it takes less time than a direct one, by operations and by bytes.
bool winograd_pays(const WinogradShape& s);

/// The convolution; strides are elements from a pixel to the next.
WinogradShape winograd_shape(const ops::ConvShape& s, int64_t src_stride, int64_t dst_stride);

/// The convolution that gives the gradient of src.
WinogradShape winograd_shape_of_grad_src(const ops::ConvShape& s, int64_t grad_stride,
                                         int64_t src_stride);

}  // namespace andiron::exec
