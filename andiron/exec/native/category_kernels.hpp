#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

/// Kernels of ops/category/, over all threads.
namespace andiron::exec {

std::unique_ptr<Kernel> make_hash_bins(const KernelRequest& request);
std::unique_ptr<Kernel> make_cross_bins(const KernelRequest& request);
std::unique_ptr<Kernel> make_lookup(const KernelRequest& request);
/// float32; the reference has the other dtypes.
std::unique_ptr<Kernel> make_bucketize(const KernelRequest& request);
std::unique_ptr<Kernel> make_multi_hot(const KernelRequest& request);

}  // namespace andiron::exec
