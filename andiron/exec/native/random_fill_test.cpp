#include "andiron/exec/native/random_fill.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/exec/native/isa.hpp"
#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/random/draw.hpp"

namespace andiron::exec {
namespace {

using namespace testing_support;

const Tensor kCounter = Tensor::scalar(17, DType::i64);

Value normal(int64_t n, double mean = 0, double stddev = 1) {
  return ops::random_normal({n}, input("counter", DType::i64, {}), 42, mean, stddev);
}

TEST(RandomNormal, is_the_reference_kernels_stream) {
  for (int64_t n : {0, 1, 3, 4, 5, 63, 64, 65, 1000, 100003})
    for (const auto& [mean, stddev] : {std::pair{0.0, 1.0}, {-2.0, 3.0}, {1e3, 0.0}}) {
      const Value v = normal(n, mean, stddev);
      const RunResult got = run_kernel(v.node(), {kCounter});
      EXPECT_EQ(got.kernel, "philox");
      expect_close(got.dst[0], run_reference(v.node(), {kCounter})[0], 1e-6,
                   4e-7 * (std::abs(mean) + stddev));
    }
}

TEST(RandomNormal, has_the_same_bits_for_any_number_of_threads_and_any_place_in_the_stream) {
  const int64_t n = 50021;
  const Tensor whole = run_kernel(normal(n).node(), {kCounter}).dst[0];
  expect_same_bits(run_kernel(normal(n).node(), {kCounter}, {.threads = 3}).dst[0], whole);
  expect_same_bits(run_kernel(normal(n).node(), {kCounter}, {.helpers = 3}).dst[0], whole);

  const Value rows = ops::random_normal({23, 7}, input("counter", DType::i64, {}), 42);
  const auto kernel = make_kernel({rows.node(), {{DType::i64, {}, 1}}, {{DType::f32, {23, 7}, 7}}});
  for (int64_t first_row : {0, 1, 2, 3, 50}) {
    Tensor tile(DType::f32, {23, 7});
    const void* const src[] = {kCounter.raw()};
    void* const dst[] = {tile.raw()};
    kernel->run({src, dst, nullptr, first_row});
    for (int64_t i = 0; i < tile.count(); ++i)
      ASSERT_EQ(tile.item(i), whole.item(first_row * 7 + i)) << first_row << " " << i;
  }
}

// Few units in the last place of double precision, also for the results near zero.
TEST(RandomNormal, every_instruction_set_agrees_with_double_precision) {
  constexpr int64_t kBlocks = 100000;
  std::vector<float> xs(4 * kBlocks);
  for (const Isa isa : {Isa::avx2, Isa::avx512}) {
    if (!has_isa(isa)) continue;
    const uint64_t key = 12345;
    (isa == Isa::avx512 ? avx512::fill_normal : avx2::fill_normal)(xs.data(), key, 7, kBlocks, 0.0F,
                                                                   1.0F);
    double mean = 0, square = 0, fourth = 0;
    ops::for_each_draw(key, 28, 4 * kBlocks, [&](int64_t i, const auto& words, size_t lane) {
      const size_t pair = lane & ~size_t{1};
      const double radius =
          std::sqrt(-2.0 * std::log(1.0 - ops::uniform_between(words[pair], 0, 1)));
      const double angle = 2.0 * M_PI * static_cast<double>(words[pair + 1] >> 8) * 0x1p-24;
      const double want = radius * (lane == pair ? std::cos(angle) : std::sin(angle));
      const auto x = static_cast<double>(xs[static_cast<size_t>(i - 28)]);
      // Sines of multiples of a half turn are zero but in double precision.
      ASSERT_LE(std::abs(x - want), 4 * 0x1p-23 * std::abs(want) + 1e-14) << i;
      mean += x;
      square += x * x;
      fourth += x * x * x * x;
    });
    const double n = 4 * kBlocks;
    EXPECT_NEAR(mean / n, 0, 0.01);
    EXPECT_NEAR(square / n, 1, 0.01);
    EXPECT_NEAR(fourth / n, 3, 0.1);
  }
}

}  // namespace
}  // namespace andiron::exec
