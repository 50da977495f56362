#pragma once

#include "andiron/exec/kernel.hpp"

/// Kernels that only move memory, any dtype; sources and destinations may be strided.
namespace andiron::exec {

std::unique_ptr<Kernel> make_concat(const KernelRequest& request);
std::unique_ptr<Kernel> make_split(const KernelRequest& request);
std::unique_ptr<Kernel> make_slice(const KernelRequest& request);
std::unique_ptr<Kernel> make_pad(const KernelRequest& request);
std::unique_ptr<Kernel> make_transpose(const KernelRequest& request);

}  // namespace andiron::exec
