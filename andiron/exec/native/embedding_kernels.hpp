#pragma once

#include <memory>

#include "andiron/exec/kernel.hpp"

/// Kernels of ops/embedding/, for float32 (look-ups: every dtype).
namespace andiron::exec {

std::unique_ptr<Kernel> make_embedding(const KernelRequest& request);
std::unique_ptr<Kernel> make_embedding_bag(const KernelRequest& request);
std::unique_ptr<Kernel> make_embedding_grad_dense(const KernelRequest& request);
std::unique_ptr<Kernel> make_dedup(const KernelRequest& request);
std::unique_ptr<Kernel> make_sum_segments(const KernelRequest& request);
std::unique_ptr<Kernel> make_occurring_places(const KernelRequest& request);
std::unique_ptr<Kernel> make_occurring_rows(const KernelRequest& request);
std::unique_ptr<Kernel> make_embedding_bag_grad_values(const KernelRequest& request);
std::unique_ptr<Kernel> make_column_ids(const KernelRequest& request);
std::unique_ptr<Kernel> make_hash_cross(const KernelRequest& request);

}  // namespace andiron::exec
