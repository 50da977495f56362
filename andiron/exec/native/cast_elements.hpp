#pragma once

#include "andiron/exec/kernel.hpp"

/// Casts from memory to memory, dense; casts within a program are its loads and stores.
namespace andiron::exec {

std::unique_ptr<Kernel> make_cast(const KernelRequest& request);

}  // namespace andiron::exec
