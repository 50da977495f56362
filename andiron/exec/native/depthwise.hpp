#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// conv and fused_conv of each channel on its own, channels last, float32, over one or two axes.
std::unique_ptr<Kernel> make_depthwise(const KernelRequest& request);

}  // namespace andiron::exec
