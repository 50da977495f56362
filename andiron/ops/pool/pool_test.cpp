#include <gtest/gtest.h>

#include "andiron/eager/eager.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/conv/window.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::ops {
namespace {

TEST(TapRange, holds_the_taps_that_see_a_place) {
  for (int64_t start = -9; start <= 9; ++start)
    for (int64_t dilation = 1; dilation <= 5; ++dilation)
      for (int64_t kernel = 1; kernel <= 4; ++kernel)
        for (int64_t high = 1; high <= 7; ++high)
          for (int64_t low : {int64_t{0}, int64_t{-3}}) {
            const TapRange taps(start, dilation, kernel, low, high);
            ASSERT_LE(taps.first, taps.last);
            for (int64_t k = 0; k < kernel; ++k) {
              const int64_t place = start + k * dilation;
              ASSERT_EQ(k >= taps.first && k < taps.last, place >= low && place < high)
                  << start << " " << dilation << " " << kernel << " " << low << " " << high;
            }
          }
}

// Each window sees one place, between two taps that pass the image by.
TEST(Pool, taps_farther_apart_than_the_image_is_wide) {
  for (const int64_t channels : {3, 32, 70}) {
    Tensor x(DType::f32, {2, 5, channels});
    for (int64_t i = 0; i < x.count(); ++i) x.data<float>()[i] = static_cast<float>(i * 7 % 31);
    const Value in = input("x", DType::f32, Shape(x.sizes()));
    const std::vector<int64_t> six{6};
    const Value y = make_value(find("max_pool"), {in},
                               {{"kernel", std::vector<int64_t>{3}},
                                {"strides", std::vector<int64_t>{1}},
                                {"dilations", six},
                                {"padding", std::string("explicit")},
                                {"pads_begin", six},
                                {"pads_end", six},
                                {"channels_last", true}});
    for (const Tensor& t :
         {eager::call(Graph({in}, {y}), {x})[0], evaluate_reference(Graph({in}, {y}), {x})[0]})
      for (int64_t i = 0; i < x.count(); ++i) ASSERT_EQ(t.item(i), x.item(i)) << channels;
  }
}

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
