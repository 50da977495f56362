#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// conv, conv_grad_src and conv_grad_weights with channels last, in float32 and bfloat16, through
/// oneDNN. Weights are brought into oneDNN's layout in each run. Channels-first nodes have no fast
/// kernel: the layout pass makes channels-last ones of them.
std::unique_ptr<Kernel> make_onednn_conv(const KernelRequest& request);
std::unique_ptr<Kernel> make_onednn_conv_grad_src(const KernelRequest& request);
std::unique_ptr<Kernel> make_onednn_conv_grad_weights(const KernelRequest& request);

}  // namespace andiron::exec
