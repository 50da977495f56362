#pragma once

#include "andiron/exec/kernel.hpp"

namespace andiron::exec {

/// Uniform random numbers, the same bits as the op's reference kernel, several Philox blocks at
/// once.
std::unique_ptr<Kernel> make_random_uniform(const KernelRequest& request);

namespace avx2 {
void fill_uniform(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float low, float high);
}
namespace avx512 {
void fill_uniform(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float low, float high);
}

}  // namespace andiron::exec
