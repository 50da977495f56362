#pragma once

#include "andiron/exec/kernel.hpp"

/// Kernels that pick elements: by value along rows (float32), or by index.
namespace andiron::exec {

std::unique_ptr<Kernel> make_argmax(const KernelRequest& request);  ///< last axis
std::unique_ptr<Kernel> make_topk(const KernelRequest& request);
std::unique_ptr<Kernel> make_gather(const KernelRequest& request);  ///< any dtype
std::unique_ptr<Kernel> make_one_hot(const KernelRequest& request);

}  // namespace andiron::exec
