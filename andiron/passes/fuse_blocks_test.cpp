#include "andiron/passes/fuse_blocks.hpp"

#include <gtest/gtest.h>

#include "andiron/exec/plan.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"
#include "andiron/passes/fold.hpp"
#include "andiron/passes/lay_out.hpp"
#include "andiron/passes/pipeline.hpp"

namespace andiron {
namespace {

using ops::random_tensor;

constexpr int64_t kChannels = 8, kMiddle = 24;

Value variable(Sizes sizes, uint64_t seed) {
  return read(std::make_shared<Variable>("v" + std::to_string(seed),
                                         random_tensor(DType::f32, sizes, -0.5, 0.5, seed)));
}

Value pointwise(const Value& x, int64_t filters, uint64_t seed) {
  return ops::conv(x, variable({filters, x.shape()[1].size(), 1, 1}, seed),
                   variable({filters}, seed + 1));
}

Value depthwise(const Value& x, uint64_t seed, int64_t stride = 1) {
  const int64_t channels = x.shape()[1].size();
  return ops::conv(x, variable({channels, 1, 3, 3}, seed), variable({channels}, seed + 1),
                   {.strides = {stride}, .groups = channels, .padding = "same"});
}

Value relu6(const Value& x) { return ops::clip(x, 0.0, 6.0); }

int64_t count(const Graph& graph, std::string_view op) {
  int64_t n = 0;
  for (const Node* node : graph.nodes()) n += node->is(op) ? 1 : 0;
  return n;
}

class FuseBlocks : public testing::Test {
 protected:
  const Value x = input("x", DType::f32, {2, kChannels, 9, 7});
  const std::vector<Tensor> data{random_tensor(DType::f32, {2, kChannels, 9, 7}, -1, 1, 3)};

  // Fused as a plan does it, with the results of the graph.
  Graph fused(const Value& y) const {
    const Graph graph({x}, {y});
    Graph made = fuse_blocks(fold(lay_out(frozen(graph))));
    const auto expected = ops::evaluate_reference(graph, data);
    ops::expect_close(ops::evaluate_reference(made, data)[0], expected[0], 1e-4, 1e-5, "fused");
    for (const int threads : {1, 2})
      ops::expect_close(exec::Plan::compile(frozen(graph), {}, {.threads = threads})->run(data)[0],
                        expected[0], 1e-4, 1e-5, "plan");
    return made;
  }
};

TEST_F(FuseBlocks, takes_an_inverted_residual_in) {
  const Value y = relu6(depthwise(relu6(pointwise(x, kMiddle, 10)), 20));
  const Graph graph = fused(pointwise(y, kChannels, 30) + x);
  EXPECT_EQ(count(graph, "depthwise_block"), 1) << graph.print();
  EXPECT_EQ(count(graph, "fused_conv") + count(graph, "conv"), 0) << graph.print();
}

TEST_F(FuseBlocks, takes_one_block_behind_the_other_in) {
  Value y = x;
  for (const uint64_t seed : {100, 200}) {
    y = relu6(depthwise(relu6(pointwise(y, kMiddle, seed)), seed + 10, 2));
    y = pointwise(y, kChannels, seed + 20);
  }
  const Graph graph = fused(y);
  EXPECT_EQ(count(graph, "depthwise_block"), 2) << graph.print();
  EXPECT_EQ(count(graph, "fused_conv") + count(graph, "conv"), 0) << graph.print();
}

// MobileNetV1: each block's 1x1 convolution is no expansion of the next one.
TEST_F(FuseBlocks, takes_separable_convolutions_in) {
  Value y = ops::relu(pointwise(x, kMiddle, 10) * constant(0.5));
  for (const uint64_t seed : {100, 200})
    y = ops::relu(pointwise(ops::relu(depthwise(y, seed)), kMiddle, seed + 10));
  const Graph graph = fused(y);
  EXPECT_EQ(count(graph, "depthwise_block"), 2) << graph.print();
}

TEST_F(FuseBlocks, leaves_what_others_read) {
  const Value expanded = ops::relu(pointwise(x, kMiddle, 10));
  const Value filtered = depthwise(expanded, 20);
  EXPECT_EQ(count(fused(pointwise(filtered, kMiddle, 30) + filtered), "depthwise_block"), 0);
  const Graph graph = fused(pointwise(filtered, kMiddle, 30) + expanded);
  EXPECT_EQ(count(graph, "depthwise_block"), 1) << graph.print();
  EXPECT_EQ(count(graph, "fused_conv"), 1) << graph.print();  // the expansion
}

TEST_F(FuseBlocks, leaves_other_convolutions) {
  const Value wide = ops::conv(x, variable({kMiddle, kChannels, 3, 3}, 10), {}, {});
  EXPECT_EQ(count(fused(pointwise(wide, 16, 20)), "depthwise_block"), 0);
  const Value strided = ops::conv(depthwise(pointwise(x, kMiddle, 30), 40),
                                  variable({16, kMiddle, 1, 1}, 50), {}, {.strides = {2}});
  EXPECT_EQ(count(fused(strided), "depthwise_block"), 0);
}

}  // namespace
}  // namespace andiron
