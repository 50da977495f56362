#pragma once

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// Products in which one of the three sizes is 1: matrix times vector, vector times matrix, outer
/// product. They are bound by memory; a general product's packing costs more than they do. float32
/// matrices; null for anything else.
std::unique_ptr<Kernel> make_matvec(const KernelRequest& request);
std::unique_ptr<Kernel> make_fused_matvec(const KernelRequest& request);

}  // namespace andiron::exec
