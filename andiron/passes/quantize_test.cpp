#include "andiron/passes/quantize.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "andiron/exec/plan.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"
#include "andiron/passes/pipeline.hpp"

namespace andiron {
namespace {

Value weights(Sizes sizes, uint64_t seed) {
  return constant(ops::random_tensor(DType::f32, sizes, -0.3, 0.3, seed));
}

RealRanges seen(const Graph& prepared, const std::vector<Tensor>& inputs,
                const std::vector<std::string>& float_layers = {}) {
  const std::vector<Value> values = values_to_quantize(prepared, float_layers);
  const auto tensors = ops::evaluate_reference(Graph(prepared.inputs(), values), inputs);
  RealRanges ranges;
  for (size_t i = 0; i < values.size(); ++i) {
    RealRange range;
    for (int64_t j = 0; j < tensors[i].count(); ++j) {
      range.low = std::min(range.low, tensors[i].item(j));
      range.high = std::max(range.high, tensors[i].item(j));
    }
    ranges[values[i]] = range;
  }
  return ranges;
}

std::map<std::string, int> counts(const Graph& graph) {
  std::map<std::string, int> n;
  for (const Node* node : graph.nodes()) ++n[node->op->name];
  return n;
}

double error_of(const Tensor& actual, const Tensor& expected) {
  double difference = 0, size = 0;
  for (int64_t i = 0; i < expected.count(); ++i) {
    difference += std::pow(actual.item(i) - expected.item(i), 2);
    size += std::pow(expected.item(i), 2);
  }
  return std::sqrt(difference / size);
}

// Two branches, one with a residual, joined, normalized, pooled, classified.
Graph network() {
  const Value x = input("x", DType::f32, {Dim::symbol("batch"), 3, 12, 12});
  const ops::ConvOptions same{.padding = "same"};
  const Value stem = ops::relu(ops::conv(x, weights({16, 3, 3, 3}, 1), weights({16}, 2), same));
  const Value a = ops::relu(ops::conv(stem, weights({16, 16, 3, 3}, 3), {}, same) + stem);
  const Value b = ops::clip(ops::conv(stem, weights({8, 16, 1, 1}, 4)), 0, 6);
  const Value joined = ops::lrn(ops::max_pool(ops::concat({a, b}, 1), {2}), 5, 0.1);
  const Value last = ops::conv(joined, weights({20, 24, 3, 3}, 5), weights({20}, 6));
  const Value features = ops::global_avg_pool(last);
  return Graph({x}, {ops::softmax(ops::dense(features, weights({20, 7}, 7), weights({7}, 8)))});
}

TEST(Quantize, nothing_between_the_layers_is_in_float32) {
  const Graph prepared = prepare_to_quantize(frozen(network()));
  const std::vector<Tensor> x{ops::random_tensor(DType::f32, {4, 3, 12, 12}, -1, 1, 9)};
  const Graph q = quantize(prepared, seen(prepared, x));
  auto n = counts(q);
  EXPECT_EQ(n["quantized_conv"], 4);
  EXPECT_EQ(n["quantized_matmul"], 1);
  EXPECT_EQ(n["quantized_lrn"], 1);
  EXPECT_EQ(n["quantized_sum"], 1);
  EXPECT_EQ(n["quantize"], 2) << "the images, and the means before the dense layer";
  EXPECT_EQ(n["dequantize"], 0);
  EXPECT_EQ(n["conv"] + n["fused_conv"] + n["relu"] + n["clip"] + n["lrn"], 0);
}

TEST(Quantize, the_result_is_close_and_plans_agree_with_the_reference) {
  const Graph prepared = prepare_to_quantize(frozen(network()));
  const std::vector<Tensor> x{ops::random_tensor(DType::f32, {4, 3, 12, 12}, -1, 1, 9)};
  const Graph q = quantize(prepared, seen(prepared, x));
  const Tensor exact = ops::evaluate_reference(network(), x)[0];
  const Tensor slow = ops::evaluate_reference(q, x)[0];
  EXPECT_LT(error_of(slow, exact), 0.02);
  const Tensor fast = exec::Plan::compile(q, {{"batch", 4}})->run(x)[0];
  EXPECT_LT(error_of(fast, slow), 0.005);
}

TEST(Quantize, layers_stay_in_float32_when_told) {
  const Value x = input("x", DType::f32, {Dim::symbol("batch"), 3, 6, 6});
  Value y;
  {
    NameScope first("first");
    y = ops::conv(x, weights({8, 3, 3, 3}, 1));
  }
  {
    NameScope second("second");
    y = ops::conv(y, weights({4, 8, 3, 3}, 2));
  }
  const Graph prepared = prepare_to_quantize(frozen(Graph({x}, {y})));
  const std::vector<Tensor> data{ops::random_tensor(DType::f32, {2, 3, 6, 6}, -1, 1, 9)};
  auto n = counts(quantize(prepared, seen(prepared, data, {"first"}), {"first"}));
  EXPECT_EQ(n["conv"], 1);
  EXPECT_EQ(n["quantized_conv"], 1);
}

TEST(Quantize, padding_is_the_byte_of_zero) {
  const Value x = input("x", DType::f32, {1, 1, 3, 3});
  const Graph graph({x}, {ops::conv(x, constant(Tensor::full(DType::f32, {1, 1, 3, 3}, 1)), {},
                                    {.padding = "same"})});
  // All of -1, so that a padding with the byte 0 would show.
  const std::vector<Tensor> data{Tensor::full(DType::f32, {1, 1, 3, 3}, -1)};
  const Graph q = quantize(graph, seen(graph, data));
  EXPECT_NEAR(ops::evaluate_reference(q, data)[0].item(0), -4, 0.05);
  EXPECT_NEAR(exec::Plan::compile(q)->run(data)[0].item(0), -4, 0.05);
}

}  // namespace
}  // namespace andiron
