#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// conv and fused_conv of two spatial axes in float32 with channels last, as products of windows
/// with panels of weights: where that is faster than oneDNN's.
std::unique_ptr<Kernel> make_direct_conv(const KernelRequest& request);

}  // namespace andiron::exec
