#include "andiron/train/data/negative_sampler.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/train/data/permutation.hpp"

namespace andiron::train {

namespace {

// The first i in [0, n) for which `beyond(i)` holds, n when none does; `beyond` is monotone.
// Without branches on the data: a mispredicted one costs more than the comparison.
template <class F>
size_t first_where(size_t n, F beyond) {
  size_t base = 0;
  while (n > 1) {
    const size_t half = n / 2;
    base = beyond(base + half - 1) ? base : base + half;
    n -= half;
  }
  return n == 1 && !beyond(base) ? base + 1 : base;
}

}  // namespace

NegativeSampler::NegativeSampler(std::shared_ptr<const Interactions> interactions, double alpha)
    : interactions_(std::move(interactions)) {
  if (!std::isfinite(alpha)) fail("[negatives] alpha must be finite; got {}", alpha);
  if (alpha == 0.0) return;
  const std::vector<int64_t> counts = interactions_->item_counts();
  std::vector<double> weights(counts.size(), 0.0);
  double total = 0.0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) weights[i] = std::pow(static_cast<double>(counts[i]), alpha);
    total += weights[i];
  }
  before_.assign(counts.size() + 1, 0);
  for (size_t i = 0; i < counts.size(); ++i) {
    // An item that somebody has can be drawn, however small its share.
    const double share = weights[i] / total * 0x1p61;
    const uint64_t weight =
        counts[i] == 0 ? 0 : std::max<uint64_t>(1, static_cast<uint64_t>(share));
    before_[i + 1] = before_[i] + weight;
  }
  seen_before_.resize(static_cast<size_t>(interactions_->count()));
  for (int64_t user = 0; user < interactions_->n_users(); ++user) {
    uint64_t sum = 0;
    auto at = static_cast<size_t>(interactions_->offset_of(user));
    for (int32_t item : interactions_->items_of(user)) {
      seen_before_[at++] = sum;
      sum += before_[static_cast<size_t>(item) + 1] - before_[static_cast<size_t>(item)];
    }
  }
}

int64_t NegativeSampler::sample_uniform(int64_t user, uint64_t random) const {
  const auto seen = interactions_->items_of(user);
  const auto r = static_cast<int64_t>(
      bounded(random, static_cast<uint64_t>(interactions_->n_items()) - seen.size()));
  // seen[i] - i items before seen[i] are free; the wanted one has r free items before it.
  const size_t gap =
      first_where(seen.size(), [&](size_t i) { return seen[i] - static_cast<int64_t>(i) > r; });
  return r + static_cast<int64_t>(gap);
}

int64_t NegativeSampler::sample(int64_t user, uint64_t random) const {
  if (before_.empty()) return sample_uniform(user, random);
  const auto seen = interactions_->items_of(user);
  const uint64_t* seen_before = seen_before_.data() + interactions_->offset_of(user);
  auto before = [&](int32_t item) { return before_[static_cast<size_t>(item)]; };
  uint64_t free = before_.back();
  if (!seen.empty())
    free -= seen_before[seen.size() - 1] + before(seen.back() + 1) - before(seen.back());
  if (free == 0) return sample_uniform(user, random);

  // The gap before seen[gap] is where the free weight passes r; in it, seen weight is constant.
  const uint64_t r = bounded(random, free);
  const size_t gap =
      first_where(seen.size(), [&](size_t i) { return before(seen[i]) - seen_before[i] > r; });
  uint64_t passed = 0;  // weight of the user's items before the gap
  if (gap > 0) passed = seen_before[gap - 1] + before(seen[gap - 1] + 1) - before(seen[gap - 1]);
  const size_t low = gap == 0 ? 0 : static_cast<size_t>(seen[gap - 1]) + 1;
  const size_t high = gap == seen.size() ? before_.size() - 1 : static_cast<size_t>(seen[gap]);
  const uint64_t wanted = r + passed;
  return static_cast<int64_t>(
      low + first_where(high - low, [&](size_t i) { return before_[low + i + 1] > wanted; }));
}

}  // namespace andiron::train
