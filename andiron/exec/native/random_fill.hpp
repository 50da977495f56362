#pragma once

#include "andiron/exec/kernel.hpp"

/// Random numbers, several Philox blocks at once. What element i is depends on the key and i alone,
/// for any number of threads and any tile.
namespace andiron::exec {

/// The same bits as the op's reference kernel.
std::unique_ptr<Kernel> make_random_uniform(const KernelRequest& request);
/// The reference kernel's numbers but for a few units in the last place: it computes in double.
std::unique_ptr<Kernel> make_random_normal(const KernelRequest& request);

/// Blocks [block, block + n_blocks) of four elements each.
using FillFn = void (*)(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float a,
                        float b);

namespace avx2 {
void fill_uniform(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float low, float high);
void fill_normal(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float mean,
                 float stddev);
}  // namespace avx2
namespace avx512 {
void fill_uniform(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float low, float high);
void fill_normal(float* dst, uint64_t key, int64_t block, int64_t n_blocks, float mean,
                 float stddev);
}  // namespace avx512

}  // namespace andiron::exec
