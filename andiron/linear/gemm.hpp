#pragma once

#include <cstdint>

namespace andiron::linear {

/// z [m, k] = x [m, d] wᵀ, w [k, d]. All row-major and dense.
void multiply(const float* x, int64_t m, int64_t d, const float* w, int64_t k, float* z,
              int threads);
/// g [k, d] = rᵀ x, r [m, k], x [m, d].
void multiply_transposed(const float* r, int64_t m, int64_t k, const float* x, int64_t d, float* g,
                         int threads);

}  // namespace andiron::linear
