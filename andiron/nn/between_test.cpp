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

}  // namespace
}  // namespace andiron::nn
