#pragma once

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// dst = src, same shape and dtype; rows of both may be strided (`dst_row_stride` in elements).
/// Threads and helpers as in KernelRequest.
std::unique_ptr<Kernel> make_copy(const Operand& src, int64_t dst_row_stride, int threads,
                                  int helpers);
/// dst (dense) += src.
std::unique_ptr<Kernel> make_add_into(const Operand& src, int threads, int helpers);

}  // namespace andiron::exec
