#include "andiron/train/data/quotas.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

using Wide = __int128;

// A place that a shard has or gets.
struct Place {
  int64_t size, before;  // how many places of this shard come before it
  size_t shard;
};

// Whether place `a` is given out before place `b`.
bool comes_before(const Place& a, const Place& b) {
  const Wide left = static_cast<Wide>(a.size) * (2 * b.before + 1);
  const Wide right = static_cast<Wide>(b.size) * (2 * a.before + 1);
  return left != right ? left > right : a.shard < b.shard;
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
  // A shard's size times places / total, rounded to the nearest: just those places whose
  // size / (2 before + 1) is total / (2 places) or more. So this is the method's own state after
  // `sum` places, and at most n / 2 are missing or too many.
  for (size_t s = 0; s < n; ++s) {
    const Wide twice = 2 * static_cast<Wide>(places) * sizes_[s];
    given[s] = static_cast<int64_t>((twice + total_) / (2 * static_cast<Wide>(total_)));
    sum += given[s];
  }
  if (sum == places) return given;
  // Heaps: the place that comes next, or came last, is in front.
  const bool missing = sum < places;
  std::vector<Place> heap;
  heap.reserve(n);
  for (size_t s = 0; s < n; ++s)
    if (missing ? given[s] < sizes_[s] : given[s] > 0)
      heap.push_back({sizes_[s], missing ? given[s] : given[s] - 1, s});
  const auto behind = [&](const Place& a, const Place& b) {
    return missing ? comes_before(b, a) : comes_before(a, b);
  };
  std::make_heap(heap.begin(), heap.end(), behind);
  for (; sum != places; sum += missing ? 1 : -1) {
    std::pop_heap(heap.begin(), heap.end(), behind);
    Place& place = heap.back();
    given[place.shard] += missing ? 1 : -1;
    place.before += missing ? 1 : -1;
    if (place.before < 0 || place.before == place.size)
      heap.pop_back();
    else
      std::push_heap(heap.begin(), heap.end(), behind);
  }
  return given;
}

}  // namespace andiron::train
