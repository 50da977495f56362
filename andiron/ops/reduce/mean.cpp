#include "andiron/ops/reduce/reduce.hpp"

namespace andiron::ops {

// sum / count_of, so that a mean over the batch tiles: partial sums are added, then divided once by
// the number of rows of the whole batch.
Value mean(const Value& x, std::vector<int64_t> axes, bool keepdims) {
  if (!is_floating(x.dtype())) fail("[mean] takes floating point values; got {}", str(x.type()));
  const Value count = count_of(x, axes, x.dtype());
  return sum(x, std::move(axes), keepdims) / count;
}

}  // namespace andiron::ops
