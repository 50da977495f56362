#include <gtest/gtest.h>

#include <cmath>

#include "andiron/ops/ops.hpp"
#include "andiron/ops/random/draw.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {
namespace {

Tensor drawn(const Value& v) { return evaluate_reference(std::vector<Value>{v})[0]; }
Value at_step(int64_t step) { return constant(static_cast<double>(step), DType::i64); }

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments_of(const Tensor& t) {
  Moments m;
  for (int64_t i = 0; i < t.count(); ++i) m.mean += t.item(i) / static_cast<double>(t.count());
  for (int64_t i = 0; i < t.count(); ++i)
    m.variance += (t.item(i) - m.mean) * (t.item(i) - m.mean) / static_cast<double>(t.count());
  return m;
}

// Known answers of Random123's philox4x32-10.
TEST(Philox, gives_the_published_words) {
  const auto zero = Philox{0}(0);
  EXPECT_EQ(zero[0], 0x6627e8d5U);
  EXPECT_EQ(zero[1], 0xe169c58dU);
  EXPECT_EQ(zero[2], 0xbc57ac4cU);
  EXPECT_EQ(zero[3], 0x9b00dbd8U);
  const auto ones = Philox{~uint64_t{0}}(~uint64_t{0}, ~uint64_t{0});
  EXPECT_EQ(ones[0], 0x408f276dU);
  EXPECT_EQ(ones[1], 0x41c83b0eU);
  EXPECT_EQ(ones[2], 0xa20bc7c6U);
  EXPECT_EQ(ones[3], 0x6d5451fdU);
}

TEST(Random, moments_are_right) {
  const Moments uniform = moments_of(drawn(random_uniform({100000}, at_step(1), 3, -1, 3)));
  EXPECT_NEAR(uniform.mean, 1, 0.02);
  EXPECT_NEAR(uniform.variance, 16.0 / 12, 0.02);
  const Moments normal = moments_of(drawn(random_normal({100000}, at_step(1), 3, 2, 0.5)));
  EXPECT_NEAR(normal.mean, 2, 0.01);
  EXPECT_NEAR(normal.variance, 0.25, 0.005);
}

TEST(Random, seeds_and_steps_draw_anew) {
  const Tensor a = drawn(random_uniform({8}, at_step(1), 3));
  EXPECT_NE(a.item(), drawn(random_uniform({8}, at_step(2), 3)).item());
  EXPECT_NE(a.item(), drawn(random_uniform({8}, at_step(1), 4)).item());
  EXPECT_EQ(a.item(), drawn(random_uniform({8}, at_step(1), 3)).item());
}

// A tile of rows draws what the whole batch would draw there.
TEST(Random, tiles_do_not_matter) {
  for (const auto& op : {&random_uniform, &random_normal}) {
    auto rows = [&](int64_t n, int64_t first) {
      const Value v = (*op)({n, 7}, at_step(5), 3, 0, 1);
      const Tensor counter = Tensor::scalar(5, DType::i64);
      return run_reference(v.node(), std::vector<Tensor>{counter}, first)[0];
    };
    const Tensor whole = rows(9, 0), tile = rows(4, 3);
    for (int64_t i = 0; i < tile.count(); ++i) EXPECT_EQ(tile.item(i), whole.item(3 * 7 + i));
  }
}

TEST(Random, dropout_keeps_the_mean) {
  const Value x = constant(Tensor::full(DType::f32, {100000}, 1));
  const Tensor y = drawn(dropout(x, 0.3, at_step(1), 3));
  int64_t n_kept = 0;
  for (int64_t i = 0; i < y.count(); ++i) {
    if (y.item(i) == 0) continue;
    ++n_kept;
    EXPECT_FLOAT_EQ(static_cast<float>(y.item(i)), static_cast<float>(1 / 0.7));
  }
  EXPECT_NEAR(static_cast<double>(n_kept), 70000, 600);
  EXPECT_TRUE(dropout(x, 0.0, at_step(1), 3) == x);
}

}  // namespace
}  // namespace andiron::ops
