#include "andiron/nn/between.hpp"

#include <gmock/gmock.h>

#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn {
namespace {

TEST(ValuesBetween, begins_in_the_middle_and_leaves_out_what_is_before) {
  const SymbolicTensor x = Input({2}), other = Input({1});
  const SymbolicTensor middle = Dense(3, {.activation = "relu"})(x);
  const SymbolicTensor out = Concatenate()(std::vector{middle, Dense(2)(other)});
  const auto model = Model({x, other}, {out});
  const Value m = input("m", DType::f32, {batch_dim(), 3});
  const Value o = input("o", DType::f32, {batch_dim(), 1});
  CallContext context;
  const std::vector<Value> found = values_between({{middle, m}, {other, o}}, {out}, context);
  ASSERT_EQ(found.size(), 1u);
  const Graph graph({m, o}, found);
  EXPECT_EQ(graph.variables().size(), 2u);  // the first layer's are not read
  EXPECT_THAT([&] { values_between({{middle, m}}, {out}, context); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("which is not given")));
}

TEST(ValuesBetween, masks_are_those_of_the_network) {
  const SymbolicTensor ids = Input({4}, {.dtype = DType::i32});
  const SymbolicTensor rows = Embedding(5, 3, {.mask_zero = true})(ids);
  const SymbolicTensor out = GlobalAveragePooling1D({.data_format = "channels_last"})(rows);
  const auto model = Model(ids, out);
  const Value i = input("i", DType::i32, {batch_dim(), 4});
  const Value r = input("r", DType::f32, {batch_dim(), 4, 3});
  CallContext context;
  const Tensor given = Tensor::from<int32_t>({3, 1, 0, 0}, {1, 4});
  Tensor replaced(DType::f32, {1, 4, 3});
  for (int64_t at = 0; at < 12; ++at) replaced.data<float>()[at] = static_cast<float>(at);
  // From the ids on, and with the rows replaced: the last two steps do not count.
  const Graph whole({i}, values_between({{ids, i}}, {rows, out}, context));
  const std::vector<Tensor> found = eager::call(whole, {given});
  const Graph middle({i, r}, values_between({{ids, i}, {rows, r}}, {out}, context));
  EXPECT_TRUE(middle.variables().empty());  // the table is not read
  const Tensor mean = eager::call(middle, {given, replaced})[0];
  for (int64_t c = 0; c < 3; ++c) {
    EXPECT_FLOAT_EQ(found[1].item(c), (found[0].item(c) + found[0].item(3 + c)) / 2);
    EXPECT_FLOAT_EQ(mean.item(c), (replaced.item(c) + replaced.item(3 + c)) / 2);
  }
}

}  // namespace
}  // namespace andiron::nn
