#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// matmul in float32 and bfloat16 through oneDNN.
std::unique_ptr<Kernel> make_onednn_matmul(const KernelRequest& request);
/// fused_matmul: bias and activation as post-ops.
std::unique_ptr<Kernel> make_onednn_fused_matmul(const KernelRequest& request);

}  // namespace andiron::exec
