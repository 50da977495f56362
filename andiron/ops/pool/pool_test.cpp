#include <gtest/gtest.h>

#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {
namespace {

// As many taps as there are numbers, nearly all of them beyond the image: what is done is a matter
// of the image.
TEST(Pool, windows_far_larger_than_the_image) {
  constexpr int64_t kHuge = 2147483647;
  const PoolOptions options{.strides = {kHuge},
                            .padding = "explicit",
                            .pads_begin = {kHuge - 1},
                            .pads_end = {kHuge - 1}};
  const Value x = constant(Tensor::from(std::vector<float>{1, 5, 2}, {1, 1, 3}));
  const std::vector<Value> pools{max_pool(x, {kHuge}, options), avg_pool(x, {kHuge}, options)};
  const std::vector<Tensor> results = evaluate_reference(pools);
  for (const Tensor& t : results) EXPECT_EQ(t.sizes(), (Sizes{1, 1, 2}));
  EXPECT_EQ(results[0].data<float>()[0], 1.0F);
  EXPECT_EQ(results[0].data<float>()[1], 5.0F);
  EXPECT_EQ(results[1].data<float>()[0], 1.0F);
  EXPECT_EQ(results[1].data<float>()[1], 3.5F);
}

}  // namespace
}  // namespace andiron::ops
