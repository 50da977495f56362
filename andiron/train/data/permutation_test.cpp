#include "andiron/train/data/permutation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace andiron::train {
namespace {

bool is_permutation_of_all(const Permutation& p) {
  std::vector<bool> seen(static_cast<size_t>(p.size()));
  for (int64_t i = 0; i < p.size(); ++i) {
    if (p[i] < 0 || p[i] >= p.size() || seen[static_cast<size_t>(p[i])]) return false;
    seen[static_cast<size_t>(p[i])] = true;
  }
  return true;
}

TEST(Permutation, holds_every_index_once_in_both_forms) {
  for (int64_t n : {1, 2, 3, 5, 64, 1000, 65537})
    for (int64_t limit : {Permutation::kTableLimit, int64_t{0}})
      EXPECT_TRUE(is_permutation_of_all(Permutation(n, 7, limit))) << n << " limit " << limit;
}

TEST(Permutation, is_a_function_of_the_key) {
  const Permutation a(1000, 3), b(1000, 3), c(1000, 4);
  int64_t same = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(a[i], b[i]);
    same += a[i] == c[i];
  }
  EXPECT_LT(same, 10);
}

// Over many keys each element must land in each tenth equally often, and neighbours must part.
TEST(Permutation, positions_are_uniform_by_chi_square) {
  for (int64_t limit : {Permutation::kTableLimit, int64_t{0}}) {
    const int64_t n = 100;
    const int keys = 4000;
    std::vector<std::vector<int>> counts(n, std::vector<int>(10));
    int64_t neighbours = 0;
    for (int key = 0; key < keys; ++key) {
      const Permutation p(n, static_cast<uint64_t>(key), limit);
      for (int64_t i = 0; i < n; ++i)
        ++counts[static_cast<size_t>(i)][static_cast<size_t>(p[i] / 10)];
      for (int64_t i = 0; i + 1 < n; ++i) neighbours += std::abs(p[i] - p[i + 1]) == 1;
    }
    double chi_square = 0.0;
    for (const auto& row : counts)
      for (int c : row) chi_square += (c - keys / 10.0) * (c - keys / 10.0) / (keys / 10.0);
    // 900 degrees of freedom: 900 expected, standard deviation 42
    EXPECT_LT(chi_square, 1100.0) << "limit " << limit;
    // 2 (n-1) / n of the n-1 pairs are neighbours in a random order
    EXPECT_NEAR(static_cast<double>(neighbours) / keys, 2.0 * (n - 1) / n, 0.15);
  }
}

}  // namespace
}  // namespace andiron::train
