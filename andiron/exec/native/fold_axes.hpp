#pragma once

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// sum, max, min and prod over neighbouring axes, of float32.
std::unique_ptr<Kernel> make_fold_axes(const KernelRequest& request);

}  // namespace andiron::exec
