#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// max_pool, max_pool_grad, avg_pool and avg_pool_grad with channels last, in float32: vectors of
/// channels, one part for each sample and block of channels.
std::unique_ptr<Kernel> make_pool(const KernelRequest& request);

}  // namespace andiron::exec
