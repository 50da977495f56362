#include "andiron/linear/gemm.hpp"

#include "andiron/base/error.hpp"
#include "andiron/exec/onednn/chain.hpp"

namespace andiron::linear {

void multiply(const float* x, int64_t m, int64_t d, const float* w, int64_t k, float* z,
              int threads) {
  const exec::ThreadLimit limit(threads);
  const dnnl_status_t status = dnnl_sgemm('N', 'T', m, k, d, 1.0F, x, d, w, d, 0.0F, z, k);
  ANDIRON_ASSERT(status == dnnl_success);
}

void multiply_transposed(const float* r, int64_t m, int64_t k, const float* x, int64_t d, float* g,
                         int threads) {
  const exec::ThreadLimit limit(threads);
  const dnnl_status_t status = dnnl_sgemm('T', 'N', k, d, m, 1.0F, r, k, x, d, 0.0F, g, d);
  ANDIRON_ASSERT(status == dnnl_success);
}

}  // namespace andiron::linear
