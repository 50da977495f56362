#include "andiron/train/data/quotas.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "andiron/base/error.hpp"

namespace andiron::train {
namespace {

using Wide = __int128;

// The method by its definition: one place after another to the shard with the largest
// size / (2 given + 1), the first of several.
std::vector<std::vector<int64_t>> by_definition(const std::vector<int64_t>& sizes, int64_t total) {
  std::vector<int64_t> given(sizes.size());
  std::vector<std::vector<int64_t>> all = {given};
  for (int64_t t = 0; t < total; ++t) {
    size_t best = sizes.size();
    for (size_t s = 0; s < sizes.size(); ++s) {
      if (given[s] == sizes[s]) continue;
      if (best == sizes.size() || static_cast<Wide>(sizes[s]) * (2 * given[best] + 1) >
                                      static_cast<Wide>(sizes[best]) * (2 * given[s] + 1))
        best = s;
    }
    ++given[best];
    all.push_back(given);
  }
  return all;
}

void expect_by_definition(const std::vector<int64_t>& sizes) {
  const Quotas quotas(sizes);
  const auto want = by_definition(sizes, quotas.total());
  for (int64_t t = 0; t <= quotas.total(); ++t)
    ASSERT_EQ(quotas.of_first(t), want[static_cast<size_t>(t)]) << t << " of " << quotas.total();
}

TEST(Quotas, are_websters_and_never_take_back) {
  expect_by_definition({13, 0, 90, 7, 1, 20});
  EXPECT_THROW(Quotas({0, 0}), Error);
  EXPECT_THROW(Quotas({3, -1}), Error);
}

TEST(Quotas, are_websters_for_shards_of_every_kind) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<int64_t> sizes(1 + random() % 40);
    const int kind = trial % 4;
    for (int64_t& size : sizes)
      size = kind == 0 ? 4 : kind == 1 ? random() % 3 : kind == 2 ? random() % 30 : 1;
    if (kind != 0) sizes.push_back(200);  // one that has more than all others
    expect_by_definition(sizes);
  }
}

// Ties among thousands of equal shards, and numbers whose products exceed 64 bits.
TEST(Quotas, are_websters_for_thousands_of_shards) {
  std::vector<int64_t> sizes(3000, int64_t{1} << 40);
  sizes.push_back(int64_t{1} << 55);
  const Quotas quotas(sizes);
  std::vector<int64_t> given(sizes.size());
  int64_t at = 0;
  const std::vector<int64_t> start = quotas.of_first(at = quotas.total() / 3);
  given = start;
  for (int step = 0; step < 5000; ++step) {
    size_t best = 0;
    for (size_t s = 1; s < sizes.size(); ++s)
      if (static_cast<Wide>(sizes[s]) * (2 * given[best] + 1) >
          static_cast<Wide>(sizes[best]) * (2 * given[s] + 1))
        best = s;
    ++given[best];
    if (step % 499 == 0) {
      ASSERT_EQ(quotas.of_first(at + step + 1), given) << step;
    }
  }
}

}  // namespace
}  // namespace andiron::train
