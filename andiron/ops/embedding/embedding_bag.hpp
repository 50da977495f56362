#pragma once

#include <cstdint>

namespace andiron::ops {

/// scales[j]: what row ids[j] of a bag of k counts for. Padding (negative ids) counts nothing.
template <class Id, class C>
void bag_scales(const Id* ids, const C* weights, int64_t k, bool mean, C* scales) {
  C total = 0;
  for (int64_t j = 0; j < k; ++j) {
    scales[j] = ids[j] < 0 ? C(0) : weights[j];
    total += scales[j];
  }
  for (int64_t j = 0; mean && j < k; ++j) scales[j] = total == C(0) ? C(0) : scales[j] / total;
}

}  // namespace andiron::ops
