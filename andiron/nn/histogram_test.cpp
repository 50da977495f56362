#include "andiron/nn/histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/ops/case_testing.hpp"

namespace andiron::nn {
namespace {

Histogram of(const std::vector<std::vector<float>>& batches) {
  Histogram h;
  for (const auto& batch : batches) h.add(batch.data(), std::ssize(batch), "x");
  return h;
}

TEST(Histogram, minmax_is_what_was_seen_and_zero) {
  const RealRange range = of({{0.5F, 3.0F}, {7.0F}}).range({"minmax"});
  EXPECT_EQ(range.low, 0);
  EXPECT_EQ(range.high, 7);
}

TEST(Histogram, percentile_leaves_outliers_out) {
  std::vector<float> x;
  for (int i = -5000; i < 5000; ++i) x.push_back(static_cast<float>(i) / 5000);
  x.push_back(1000);
  const RealRange range = of({x}).range({"percentile", 99.9});
  EXPECT_NEAR(range.low, -1, 0.3);
  EXPECT_LT(range.high, 1.5);
  EXPECT_GT(range.high, 0.9);
}

TEST(Histogram, the_order_of_the_data_does_not_matter) {
  const std::vector<float> small{0.001F, -0.002F, 0.5F}, large{100.0F, -3.0F};
  for (const char* method : {"percentile", "entropy"}) {
    const RealRange a = of({small, large}).range({method, 80});
    const RealRange b = of({large, small}).range({method, 80});
    EXPECT_EQ(a.low, b.low);
    EXPECT_EQ(a.high, b.high);
  }
}

TEST(Histogram, entropy_cuts_a_long_thin_tail) {
  const Tensor body = ops::random_tensor(DType::f32, {200000}, 0, 1, 3);
  std::vector<float> x(body.data<float>(), body.data<float>() + body.count());
  x.push_back(40.0F);
  const RealRange range = of({x}).range({"entropy"});
  EXPECT_LT(range.high, 20);
  EXPECT_GE(range.high, 1);
}

TEST(Histogram, what_is_not_a_number_is_named) {
  Histogram h;
  const float x[] = {1.0F, NAN, 2.0F};
  try {
    h.add(x, 3, "'conv_1'");
    FAIL() << "took NaN";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[quantize] 'conv_1' has NaN or infinity with the calibration data");
  }
  EXPECT_THROW((void)h.range({"minmax"}), Error);
}

TEST(Histogram, methods_are_checked) {
  EXPECT_THROW(check_range_method({"mean"}), Error);
  EXPECT_THROW(check_range_method({"percentile", 40}), Error);
  check_range_method({"percentile", 100});
}

}  // namespace
}  // namespace andiron::nn
