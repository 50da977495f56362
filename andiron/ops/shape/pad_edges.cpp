#include <algorithm>
#include <string>

#include "andiron/base/error.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::ops {

namespace {

// The place of x that place i (negative before it, from n on behind it) repeats.
int64_t repeated(const std::string& mode, int64_t i, int64_t n) {
  if (mode == "edge") return std::clamp<int64_t>(i, 0, n - 1);
  if (mode == "wrap") return ((i % n) + n) % n;
  const int64_t whole = mode == "reflect" ? 0 : 1;  // whether the edge itself is repeated
  const int64_t period = std::max<int64_t>(1, 2 * (n - 1 + whole));
  i = ((i % period) + period) % period;
  return i < n ? i : period - i - whole;
}

}  // namespace

Value pad_edges(const Value& x, const std::vector<int64_t>& low, const std::vector<int64_t>& high,
                const std::string& mode) {
  if (mode != "reflect" && mode != "symmetric" && mode != "edge" && mode != "wrap")
    fail("[pad_edges] mode is reflect, symmetric, edge or wrap; got '{}'", mode);
  const auto rank = static_cast<size_t>(x.rank());
  if (low.size() != rank || high.size() != rank)
    fail("[pad_edges] low and high need one entry for each axis of {}; got {} and {}",
         x.shape().str(), str(low), str(high));
  Value y = x;
  for (size_t i = 0; i < rank; ++i) {
    if (low[i] < 0 || high[i] < 0)
      fail("[pad_edges] low and high must not be negative; got {} and {}", str(low), str(high));
    if (low[i] == 0 && high[i] == 0) continue;
    const Dim& dim = x.shape()[i];
    if (!dim.known() || dim.size() == 0)
      fail("[pad_edges] axis {} of {} has nothing to repeat", i, x.shape().str());
    const int64_t n = dim.size();
    int64_t total = 0;
    if (__builtin_add_overflow(low[i], high[i], &total) ||
        __builtin_add_overflow(total, n, &total) || total > INT32_MAX)
      fail("[pad_edges] {} and {} more places are too many", low[i], high[i]);
    std::vector<int64_t> places;
    for (int64_t j = -low[i]; j < n + high[i]; ++j) places.push_back(repeated(mode, j, n));
    y = gather(y, constant(Tensor::from(places, {total})), static_cast<int64_t>(i));
  }
  return y;
}

}  // namespace andiron::ops
