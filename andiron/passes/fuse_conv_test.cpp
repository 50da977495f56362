#include "andiron/passes/fuse_conv.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"
#include "andiron/passes/fold.hpp"
#include "andiron/passes/freeze.hpp"

namespace andiron {
namespace {

using ops::random_tensor;

Value variable(Sizes sizes, double low, double high, uint64_t seed) {
  return read(std::make_shared<Variable>("v" + std::to_string(seed),
                                         random_tensor(DType::f32, sizes, low, high, seed)));
}

Value normalized_conv(const Value& x, int64_t filters, uint64_t seed) {
  const int64_t channels = x.shape()[1].size();
  const Value y = ops::conv(x, variable({filters, channels, 3, 3}, -0.5, 0.5, seed),
                            variable({filters}, -1, 1, seed + 1), {.padding = "same"});
  return ops::batch_norm_inference(
      y, variable({filters}, 0.5, 1.5, seed + 2), variable({filters}, -1, 1, seed + 3),
      variable({filters}, -1, 1, seed + 4), variable({filters}, 0.5, 2, seed + 5));
}

int64_t count(const Graph& graph, std::string_view op) {
  int64_t n = 0;
  for (const Node* node : graph.nodes()) n += node->is(op) ? 1 : 0;
  return n;
}

Graph frozen(const Graph& graph) { return fuse_conv(fold(freeze(graph))); }

class FuseConv : public testing::Test {
 protected:
  const Value x = input("x", DType::f32, {2, 8, 6, 6});
  const std::vector<Tensor> data{random_tensor(DType::f32, {2, 8, 6, 6}, -1, 1, 3)};

  void expect_same(const Graph& graph, const Graph& fused) const;
};
using Freeze = FuseConv;

void FuseConv::expect_same(const Graph& graph, const Graph& fused) const {
  const auto expected = ops::evaluate_reference(graph, data);
  ops::expect_close(ops::evaluate_reference(fused, data)[0], expected[0], 1e-4, 1e-5, "fused");
  for (const int threads : {1, 2})
    ops::expect_close(exec::Plan::compile(fused, {}, {.threads = threads})->run(data)[0],
                      expected[0], 1e-4, 1e-5, "plan");
}

TEST_F(FuseConv, takes_normalization_residual_and_activation_in) {
  const Value a = ops::relu(normalized_conv(x, 8, 10));
  const Value b = ops::relu(normalized_conv(a, 8, 20) + x);
  const Value c = ops::clip(normalized_conv(b, 16, 30), 0.0, 6.0);
  const Graph graph({x}, {c});
  const Graph fused = frozen(graph);
  expect_same(graph, fused);
  EXPECT_EQ(count(fused, "fused_conv"), 3) << fused.print();
  for (const char* gone : {"multiply", "add", "relu", "clip", "conv"})
    EXPECT_EQ(count(fused, gone), 0) << gone << " in\n" << fused.print();
}

TEST_F(FuseConv, leaves_what_others_read) {
  const Value y = normalized_conv(x, 8, 10);
  const Graph graph({x}, {ops::relu(y) * y});
  const Graph fused = frozen(graph);
  expect_same(graph, fused);
  EXPECT_EQ(count(fused, "relu"), 1) << fused.print();
}

TEST_F(FuseConv, leaves_weights_that_may_change) {
  const Graph graph({x}, {ops::relu(normalized_conv(x, 8, 10))});
  EXPECT_EQ(count(fuse_conv(graph), "fused_conv"), 0);
}

TEST_F(Freeze, takes_the_values_of_now_and_names_bad_ones) {
  const auto v = std::make_shared<Variable>("w", Tensor::full(DType::f32, {6}, 2.0));
  const Graph graph({x}, {x * read(v)});
  const Graph now = freeze(graph);
  const auto before = ops::evaluate_reference(graph, data);
  v->assign(Tensor::full(DType::f32, {6}, NAN));
  ops::expect_close(ops::evaluate_reference(now, data)[0], before[0], 0, 0, "frozen");
  try {
    freeze(graph);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[freeze] variable 'w' has nan at 0");
  }
}

}  // namespace
}  // namespace andiron
