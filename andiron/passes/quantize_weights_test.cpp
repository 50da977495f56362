#include "andiron/passes/quantize_weights.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/quantized/quantized.hpp"

namespace andiron {
namespace {

TEST(QuantizeWeights, each_filter_has_its_own_scale) {
  const Tensor w = Tensor::from<float>({1.0F, -0.5F, 0.01F, -0.02F}, {2, 2, 1, 1});
  const QuantizedWeights q = quantize_weights(w, 0);
  EXPECT_DOUBLE_EQ(q.scales[0], 1.0 / 127);
  EXPECT_NEAR(q.scales[1], 0.02 / 127, 1e-9);
  EXPECT_EQ(q.bytes.item(0), 127);
  EXPECT_EQ(q.bytes.item(3), -127);
  EXPECT_EQ(q.sums[0], 127 - 64);
}

TEST(QuantizeWeights, neighbours_of_one_sign_share_the_range) {
  const QuantizedWeights q = quantize_weights(Tensor::from<float>({1.0F, 1.0F}, {1, 2, 1, 1}), 0);
  EXPECT_DOUBLE_EQ(q.scales[0], 2.0 / 127);
  EXPECT_LE(q.bytes.item(0) + q.bytes.item(1), 128);
}

TEST(QuantizeWeights, random_ones_fit_and_are_off_by_half_a_step_at_most) {
  for (const int64_t axis : {0, 1}) {
    const Sizes sizes = axis == 0 ? Sizes{7, 9, 3, 3} : Sizes{81, 7};
    const Tensor w = ops::random_tensor(DType::f32, sizes, -1, 1, 11);
    const QuantizedWeights q = quantize_weights(w, axis);
    EXPECT_TRUE(ops::pairs_fit_16_bits(q.bytes, 1 - axis));
    for (int64_t i = 0; i < w.count(); ++i) {
      const double scale = q.scales[static_cast<size_t>(axis == 0 ? i / 81 : i % 7)];
      EXPECT_LE(std::abs(q.bytes.item(i) * scale - w.item(i)), scale * 0.5 + 1e-7);
    }
  }
}

TEST(QuantizeWeights, a_filter_of_zeros_stays_zero) {
  const QuantizedWeights q = quantize_weights(Tensor::zeros(DType::f32, {1, 2, 1, 1}), 0);
  EXPECT_EQ(q.scales[0], 1.0);
  EXPECT_EQ(q.bytes.item(0), 0);
}

}  // namespace
}  // namespace andiron
