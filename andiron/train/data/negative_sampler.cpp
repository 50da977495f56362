#include "andiron/train/data/negative_sampler.hpp"

#include <algorithm>
#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/train/data/permutation.hpp"

namespace andiron::train {

namespace {

// How often a weighted draw may hit an item of the user before it takes the slower way.
constexpr int kTries = 24;
constexpr uint64_t kAnew = 0x6472617720616761ULL;

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
  make_columns();
}

// n columns of equal weight, each of one item or of two, in exact integers.
void NegativeSampler::make_columns() {
  using Wide = unsigned __int128;
  const size_t n = before_.size() - 1;
  const Wide full = before_.back();
  columns_.resize(n);
  std::vector<Wide> left(n);  // weight times n
  std::vector<size_t> small, large;
  for (size_t i = 0; i < n; ++i) {
    left[i] = static_cast<Wide>(before_[i + 1] - before_[i]) * n;
    const auto item = static_cast<int32_t>(i);
    columns_[i] = {~uint64_t{0}, item, item};
    (left[i] < full ? small : large).push_back(i);
  }
  while (!small.empty()) {
    const size_t low = small.back(), high = large.back();  // both, since the columns sum to n full
    small.pop_back();
    columns_[low].share = static_cast<uint64_t>((left[low] << 64) / full);
    columns_[low].other = static_cast<int32_t>(high);
    left[high] -= full - left[low];
    if (left[high] < full) {
      large.pop_back();
      small.push_back(high);
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

int64_t NegativeSampler::sample_over_gaps(int64_t user, uint64_t random) const {
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

int64_t NegativeSampler::sample(int64_t user, uint64_t random) const {
  if (columns_.empty()) return sample_uniform(user, random);
  const auto seen = interactions_->items_of(user);
  for (int tries = 0; tries < kTries; ++tries) {
    // The upper half of the product is the column, the lower one is uniform within it.
    const auto at = static_cast<unsigned __int128>(random) * columns_.size();
    const Column& column = columns_[static_cast<size_t>(at >> 64)];
    const int32_t item = static_cast<uint64_t>(at) < column.share ? column.item : column.other;
    const size_t place = first_where(seen.size(), [&](size_t i) { return seen[i] >= item; });
    if (place == seen.size() || seen[place] != item) return item;
    random = mix_key(random, kAnew);
  }
  return sample_over_gaps(user, random);
}

void NegativeSampler::sample(std::span<const int64_t> users, std::span<const uint64_t> random,
                             std::span<int64_t> items) const {
  // A draw reads where the user's list is, the list, and a column: each in its turn.
  constexpr size_t kFar = 24, kNear = 12;
  const size_t n = users.size();
  for (size_t i = 0; i < n + kFar; ++i) {
    if (i < n) interactions_->prefetch_offset(users[i]);
    if (i >= kNear && i - kNear < n) {
      interactions_->prefetch_items(users[i - kNear]);
      if (!columns_.empty())
        __builtin_prefetch(&columns_[bounded(random[i - kNear], columns_.size())]);
    }
    if (i >= kFar) items[i - kFar] = sample(users[i - kFar], random[i - kFar]);
  }
}

void NegativeSampler::draw(std::span<const int64_t> users, int64_t k, uint64_t key,
                           std::span<int64_t> items) const {
  constexpr size_t kBlock = 4096;  // users and bits of a block stay in the first cache
  const Philox philox{key};
  std::vector<int64_t> of(std::min(kBlock, items.size()));
  std::vector<uint64_t> random(of.size());
  for (size_t start = 0; start < items.size(); start += kBlock) {
    const size_t n = std::min(kBlock, items.size() - start);
    for (size_t i = 0; i < n; ++i) {
      of[i] = users[(start + i) / static_cast<size_t>(k)];
      random[i] = negative_bits(philox, static_cast<int64_t>(start + i));
    }
    sample({of.data(), n}, {random.data(), n}, items.subspan(start, n));
  }
}

}  // namespace andiron::train
