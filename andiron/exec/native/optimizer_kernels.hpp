#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

/// Float32 kernels of the ops of ops/optimizer/, chosen by the op's name. The same bits as the
/// reference kernels, at any number of threads and on any instruction set.
namespace andiron::exec {

/// <optimizer>_update, _update_rows and _catch_up; null for any other op.
std::unique_ptr<Kernel> make_optimizer(const KernelRequest& request);

}  // namespace andiron::exec
