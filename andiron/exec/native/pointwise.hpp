#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// conv and fused_conv of size 1 and stride 1 in float32 with channels last and constant weights,
/// where that is faster than oneDNN's: many pixels, weights that a core's cache holds.
std::unique_ptr<Kernel> make_pointwise(const KernelRequest& request);

}  // namespace andiron::exec
