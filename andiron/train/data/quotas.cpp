#include "andiron/train/data/quotas.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

using Wide = __int128;

// Whether a shard that was given `a` places comes before one that was given `b`.
bool before(int64_t size_a, int64_t a, size_t index_a, int64_t size_b, int64_t b, size_t index_b) {
  const Wide left = static_cast<Wide>(size_a) * (2 * b + 1);
  const Wide right = static_cast<Wide>(size_b) * (2 * a + 1);
  return left != right ? left > right : index_a < index_b;
}

}  // namespace

Quotas::Quotas(std::vector<int64_t> sizes) : sizes_(std::move(sizes)) {
  for (int64_t size : sizes_) {
    if (size < 0) fail("[quotas] sizes must not be negative; got {}", size);
    total_ += size;
  }
  if (total_ == 0) fail("[quotas] there are no samples in {} shards", sizes_.size());
}

std::vector<int64_t> Quotas::of_first(int64_t places) const {
  ANDIRON_ASSERT(0 <= places && places <= total_);
  const size_t n = sizes_.size();
  std::vector<int64_t> given(n);
  int64_t sum = 0;
  // A share rounded to the nearest is at most one place a shard away from the method's.
  for (size_t s = 0; s < n; ++s) {
    const Wide twice = 2 * static_cast<Wide>(places) * sizes_[s];
    given[s] = static_cast<int64_t>((twice + total_) / (2 * static_cast<Wide>(total_)));
    sum += given[s];
  }
  // Give to whom it comes next, take from whom it came last, until everybody agrees.
  const auto next = [&] {
    size_t best = n;
    for (size_t s = 0; s < n; ++s)
      if (given[s] < sizes_[s] &&
          (best == n || before(sizes_[s], given[s], s, sizes_[best], given[best], best)))
        best = s;
    return best;
  };
  const auto last = [&] {
    size_t worst = n;
    for (size_t s = 0; s < n; ++s)
      if (given[s] > 0 && (worst == n || before(sizes_[worst], given[worst] - 1, worst, sizes_[s],
                                                given[s] - 1, s)))
        worst = s;
    return worst;
  };
  for (; sum < places; ++sum) ++given[next()];
  for (; sum > places; --sum) --given[last()];
  for (;;) {
    const size_t to = next(), from = last();
    if (to == n || from == n || to == from ||
        !before(sizes_[to], given[to], to, sizes_[from], given[from] - 1, from))
      return given;
    ++given[to];
    --given[from];
  }
}

}  // namespace andiron::train
