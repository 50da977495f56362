#include "andiron/linear/isotonic.hpp"

#include "andiron/base/error.hpp"

namespace andiron::linear {

std::vector<double> non_decreasing(std::span<const double> values,
                                   std::span<const double> weights) {
  if (values.size() != weights.size())
    fail("[isotonic] a weight for each value; got {} values and {} weights", values.size(),
         weights.size());
  struct Pool {
    double mean, weight;
    size_t count;
  };
  std::vector<Pool> pools;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(weights[i] > 0)) fail("[isotonic] weights are positive; weight {} is {}", i, weights[i]);
    Pool last{values[i], weights[i], 1};
    while (!pools.empty() && pools.back().mean >= last.mean) {
      const Pool& before = pools.back();
      const double weight = before.weight + last.weight;
      // The difference is small beside the means: no digits are lost in long pools.
      last = {before.mean + (last.mean - before.mean) * (last.weight / weight), weight,
              before.count + last.count};
      pools.pop_back();
    }
    pools.push_back(last);
  }
  std::vector<double> out;
  out.reserve(values.size());
  for (const Pool& pool : pools) out.insert(out.end(), pool.count, pool.mean);
  return out;
}

}  // namespace andiron::linear
