#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// conv, fused_conv and their gradients of 3x3 and 5x5 kernels at stride 1 with channels last, in
/// float32, by Winograd's algorithm: where by a count of operations and of bytes it pays.
std::unique_ptr<Kernel> make_winograd_conv(const KernelRequest& request);
std::unique_ptr<Kernel> make_winograd_conv_grad_src(const KernelRequest& request);
std::unique_ptr<Kernel> make_winograd_conv_grad_weights(const KernelRequest& request);

}  // namespace andiron::exec
