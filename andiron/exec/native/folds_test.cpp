#include "andiron/exec/native/folds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace andiron::exec {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr Fold kAll[] = {Fold::sum, Fold::max, Fold::min, Fold::product};

std::vector<Isa> isas() {
  std::vector<Isa> all = {Isa::avx2};
  if (has_isa(Isa::avx512)) all.push_back(Isa::avx512);
  return all;
}

double folded(Fold fold, double a, double b) {
  if (fold == Fold::sum) return a + b;
  if (fold == Fold::product) return a * b;
  return fold == Fold::max ? std::fmax(a, b) : std::fmin(a, b);
}

// Whole numbers, whose sums are exact, or powers of two, whose products are.
std::vector<float> numbers(Fold fold, int64_t n) {
  std::vector<float> xs(static_cast<size_t>(n));
  for (size_t i = 0; i < xs.size(); ++i)
    xs[i] = fold == Fold::product ? (i % 2 == 0 ? 2.0F : 0.5F)
                                  : static_cast<float>((i * 7919) % 1001) - 300.0F;
  return xs;
}

TEST(Folds, of_everything_see_every_element_and_pass_nan_on) {
  for (Isa isa : isas())
    for (Fold fold : kAll) {
      const auto f = fold_table(isa).all[static_cast<size_t>(fold)];
      for (int64_t n : {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 1000, 1024, 1025, 5003}) {
        SCOPED_TRACE(n);
        std::vector<float> xs = numbers(fold, n);
        double want = empty_fold(fold);
        for (float x : xs) want = folded(fold, want, static_cast<double>(x));
        EXPECT_EQ(f(xs.data(), n), want);
        // Six rows of it, the third with a NaN.
        std::vector<float> rows;
        for (int i = 0; i < 6; ++i) {
          rows.insert(rows.end(), xs.begin(), xs.end());
          rows.push_back(kNaN);  // not ours
        }
        if (n > 0) rows[static_cast<size_t>(2 * (n + 1) + n - 1)] = kNaN;
        double each[6];
        fold_table(isa).each[static_cast<size_t>(fold)](rows.data(), 6, n + 1, n, each);
        for (int i = 0; i < 6; ++i)
          EXPECT_TRUE(i == 2 && n > 0 ? std::isnan(each[i]) : each[i] == want) << i;
        for (size_t at : {size_t{0}, xs.size() / 2, xs.size() - 1}) {
          if (n == 0) continue;
          const float before = std::exchange(xs[at], kNaN);
          EXPECT_TRUE(std::isnan(f(xs.data(), n))) << at;
          xs[at] = before;
        }
      }
    }
}

TEST(Folds, of_rows_see_every_element_and_keep_nan_in_its_column) {
  for (Isa isa : isas())
    for (Fold fold : kAll)
      for (int64_t cols : {1, 3, 8, 16, 19, 40, 300})
        for (int64_t rows : {0, 1, 3, 4, 5, 64, 67}) {
          SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols));
          const int64_t stride = cols + 3;
          std::vector<float> xs = numbers(fold, rows * stride);
          for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = cols; j < stride; ++j)
              xs[static_cast<size_t>(i * stride + j)] = kNaN;  // not ours
          const int64_t bad_row = rows / 2, bad_col = cols / 2;
          if (rows > 0) xs[static_cast<size_t>(bad_row * stride + bad_col)] = kNaN;
          std::vector<float> acc(static_cast<size_t>(cols) + 1, 3.0F);
          fold_table(isa).rows[static_cast<size_t>(fold)](acc.data(), xs.data(), rows, stride,
                                                          cols);
          EXPECT_EQ(acc.back(), 3.0F);
          for (int64_t j = 0; j < cols; ++j) {
            double want = 3;
            for (int64_t i = 0; i < rows; ++i)
              want =
                  folded(fold, want, static_cast<double>(xs[static_cast<size_t>(i * stride + j)]));
            if (rows > 0 && j == bad_col) {
              EXPECT_TRUE(std::isnan(acc[static_cast<size_t>(j)]));
            } else {
              EXPECT_EQ(static_cast<double>(acc[static_cast<size_t>(j)]), want) << j;
            }
          }
          // What was NaN before stays it.
          if (rows == 0 || (fold != Fold::max && fold != Fold::min)) continue;
          std::vector<float> one(static_cast<size_t>(cols), kNaN);
          const std::vector<float> zeros(static_cast<size_t>(cols));
          fold_table(isa).rows[static_cast<size_t>(fold)](one.data(), zeros.data(), 1, cols, cols);
          for (float x : one) EXPECT_TRUE(std::isnan(x));
        }
}

// Tiles of rows depend on the number of threads; what comes out does not.
TEST(Folds, a_row_has_the_same_bits_wherever_it_stands) {
  for (Isa isa : isas())
    for (int64_t n : {40, 1000, 3000}) {
      const int64_t n_rows = 11;
      std::vector<float> xs(static_cast<size_t>(n_rows * n));
      for (size_t i = 0; i < xs.size(); ++i)
        xs[i] = std::sin(static_cast<float>(i)) * std::exp(static_cast<float>(i * 37 % 13));
      const auto each = fold_table(isa).each[static_cast<size_t>(Fold::sum)];
      double together[11];
      each(xs.data(), n_rows, n, n, together);
      for (int64_t first = 0; first < n_rows; ++first)
        for (int64_t rows : {1, 2, 3}) {
          double some[3];
          const int64_t there = std::min(rows, n_rows - first);
          each(xs.data() + first * n, there, n, n, some);
          for (int64_t r = 0; r < there; ++r)
            EXPECT_EQ(some[r], together[first + r]) << n << ", row " << first + r;
        }
    }
}

TEST(Folds, argmax_takes_the_first_and_nan_before_all) {
  for (Isa isa : isas()) {
    const auto argmax = fold_table(isa).argmax;
    for (int64_t n : {1, 2, 7, 8, 9, 17, 31, 33, 257, 1000})
      for (int64_t at : {int64_t{0}, n / 2, n - 1}) {
        std::vector<float> xs(static_cast<size_t>(n), -kInf);
        EXPECT_EQ(argmax(xs.data(), n), 0);
        xs[static_cast<size_t>(at)] = xs.back() = 5.0F;
        EXPECT_EQ(argmax(xs.data(), n), at) << n;
        xs[static_cast<size_t>(n / 3)] = kInf;
        xs[static_cast<size_t>(at)] = xs.back() = kNaN;
        EXPECT_EQ(argmax(xs.data(), n), at) << n;
      }
  }
}

// 2^24 + 1 is no float: adding ones to 2^24 one by one in float would lose all of them.
TEST(Folds, sums_do_not_lose_small_numbers_beside_large_ones) {
  for (Isa isa : isas()) {
    std::vector<float> xs(100001, 1.0F);
    xs[0] = 16777216.0F;
    const double sum = fold_table(isa).all[0](xs.data(), static_cast<int64_t>(xs.size()));
    EXPECT_NEAR(sum, 16777216.0 + 100000.0, 100.0);
  }
}

}  // namespace
}  // namespace andiron::exec
