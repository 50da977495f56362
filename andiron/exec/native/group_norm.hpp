#pragma once

#include "andiron/exec/kernel.hpp"

/// group_norm and its gradients in float32, dense: a group stays in the cache while its statistics
/// are taken and used.
namespace andiron::exec {

std::unique_ptr<Kernel> make_group_norm(const KernelRequest& request);
std::unique_ptr<Kernel> make_group_norm_grad(const KernelRequest& request);
std::unique_ptr<Kernel> make_group_norm_grad_scale(const KernelRequest& request);

}  // namespace andiron::exec
