#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

Value dropout(const Value& x, double rate, const Value& counter, int64_t seed) {
  if (!(rate >= 0.0 && rate < 1.0)) fail("[dropout] rate must lie in [0, 1); got {}", rate);
  if (!is_floating(x.dtype())) fail("[dropout] takes floating point values; got {}", str(x.type()));
  if (rate == 0.0) return x;
  const Value keep = greater_equal(random_uniform(x.shape(), counter, seed), constant(rate));
  return where(keep, x * (1.0 / (1.0 - rate)), constant(0.0, x.dtype()));
}

}  // namespace andiron::ops
