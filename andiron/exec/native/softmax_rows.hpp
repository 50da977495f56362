#pragma once

#include "andiron/exec/kernel.hpp"

/// Softmax and its relatives over the last axis, float32, dense: one row in the cache at a time.
namespace andiron::exec {

std::unique_ptr<Kernel> make_softmax(const KernelRequest& request);
std::unique_ptr<Kernel> make_log_softmax(const KernelRequest& request);
std::unique_ptr<Kernel> make_logsumexp(const KernelRequest& request);
std::unique_ptr<Kernel> make_sparse_softmax_cross_entropy(const KernelRequest& request);
std::unique_ptr<Kernel> make_sparse_softmax_cross_entropy_grad(const KernelRequest& request);

}  // namespace andiron::exec
