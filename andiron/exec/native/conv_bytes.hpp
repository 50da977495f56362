#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// quantized_conv of uint8 with channels last, one group, one or two spatial axes and constant
/// weights, whatever they are, on CPUs without VNNI (see docs/architecture.md, Bytes).
std::unique_ptr<Kernel> make_conv_bytes(const KernelRequest& request);

}  // namespace andiron::exec
