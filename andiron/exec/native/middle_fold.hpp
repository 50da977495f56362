#pragma once

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// sum, max or min of float32 over neighbouring axes that are neither the first nor the last:
/// [outer, reduced, inner] -> [outer, inner].
std::unique_ptr<Kernel> make_middle_fold(const KernelRequest& request);

}  // namespace andiron::exec
