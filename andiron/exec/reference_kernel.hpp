#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// The op's reference kernel as a Kernel: one thread, and it may allocate. Strided operands and
/// accumulation go through copies. Throws Error when the op has no reference kernel.
std::unique_ptr<Kernel> make_reference(const KernelRequest& request);

}  // namespace andiron::exec
