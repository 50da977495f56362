#include "andiron/passes/lay_out.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"
#include "andiron/passes/cse.hpp"
#include "andiron/passes/fold.hpp"

namespace andiron {
namespace {

using ops::random_tensor;

int64_t count(const Graph& graph, std::string_view op) {
  int64_t n = 0;
  for (const Node* node : graph.nodes()) n += node->is(op) ? 1 : 0;
  return n;
}

// Every conv and pool of the graph has its channels last.
bool all_last(const Graph& graph) {
  for (const Node* node : graph.nodes())
    if (node->attributes.has("channels_last") && !node->attr<bool>("channels_last")) return false;
  return true;
}

Value weights(Shape shape, uint64_t seed) {
  return constant(random_tensor(DType::f32, shape.sizes(), -0.5, 0.5, seed));
}

// The graph of `network` over x, laid out; computes the same, by references and as a plan.
Graph checked(const Shape& shape, const std::function<Value(const Value&)>& network) {
  const Value x = input("x", DType::f32, shape);
  const Graph plain({x}, {network(x)});
  const Graph laid = cse(lay_out(fold_counts(plain, {})));
  const std::vector<Tensor> data{random_tensor(DType::f32, shape.sizes(), -1, 1, 7)};
  const auto expected = ops::evaluate_reference(plain, data);
  ops::expect_close(ops::evaluate_reference(laid, data)[0], expected[0], 1e-4, 1e-5, "laid out");
  for (const int threads : {1, 2})
    ops::expect_close(exec::Plan::compile(plain, {}, {.threads = threads})->run(data)[0],
                      expected[0], 1e-4, 1e-4, "plan");
  EXPECT_TRUE(all_last(laid)) << laid.print();
  return laid;
}

Value block(const Value& x, int64_t filters, uint64_t seed) {
  const Value y = ops::conv(x, weights({Dim(filters), x.shape()[1], 3, 3}, seed),
                            weights({Dim(filters)}, seed + 1), {.padding = "same"});
  return ops::relu(ops::batch_norm(y, weights({Dim(filters)}, seed + 2), {})[0]);
}

TEST(LayOut, only_the_ends_are_transposed) {
  const Graph laid = checked({2, 3, 8, 8}, [](const Value& x) {
    const Value a = block(x, 8, 1);
    const Value b = ops::max_pool(block(a, 8, 10) + a, {2});
    const Value c = ops::concat({b, ops::avg_pool(b, {3}, {.strides = {1}, .padding = "same"})}, 1);
    return ops::lrn(ops::clip(c, -2.0, 2.0), 5);
  });
  EXPECT_EQ(count(laid, "transpose"), 2) << laid.print();
}

TEST(LayOut, a_global_mean_ends_it) {
  const Graph laid = checked({2, 3, 8, 8}, [](const Value& x) {
    return ops::softmax(ops::global_avg_pool(block(x, 8, 1)));
  });
  EXPECT_EQ(count(laid, "transpose"), 1) << laid.print();
}

TEST(LayOut, slices_pads_and_reductions_follow) {
  checked({2, 3, 6, 5}, [](const Value& x) {
    const Value y = ops::pad(block(x, 6, 1), {0, 1, 0, 2}, {0, 0, 3, 1});
    const Value z = ops::slice(y, {0, 2, 1, 0}, {2, 4, -1, 5});
    const Value parts = ops::split(z, {1, 3}, 1)[1];
    return ops::softmax(parts, 1) - ops::mean(parts, {1}, true) * ops::max(parts, {2, 3}, true);
  });
  checked({2, 3, 6, 5}, [](const Value& x) {
    return ops::sum(block(x, 6, 1), {2}) +
           ops::reshape(ops::sum(block(x, 6, 1), {0, 2, 3}), {6, 1});
  });
  checked({2, 3, 6, 5}, [](const Value& x) {
    return ops::resize(ops::pad_edges(block(x, 4, 1), {0, 0, 1, 2}, {0, 0, 0, 1}, "reflect"),
                       {9, 4}, {.mode = "linear"});
  });
}

TEST(LayOut, what_a_channels_last_face_brings_in_vanishes) {
  const Graph laid = checked({2, 8, 8, 3}, [](const Value& x) {
    auto first = [](const Value& v) { return ops::transpose(v, {0, 3, 1, 2}); };
    auto last = [](const Value& v) { return ops::transpose(v, {0, 2, 3, 1}); };
    const Value y = last(block(first(x), 8, 1));
    return last(ops::max_pool(first(y), {2}));
  });
  EXPECT_EQ(count(laid, "transpose"), 0) << laid.print();
}

TEST(LayOut, one_and_three_axes) {
  checked({2, 3, 9}, [](const Value& x) {
    return ops::max_pool(ops::relu(ops::conv(x, weights({4, 3, 3}, 1))), {2});
  });
  checked({1, 2, 4, 5, 3}, [](const Value& x) {
    return ops::avg_pool(ops::relu(ops::conv(x, weights({4, 2, 2, 2, 2}, 1))), {2});
  });
}

TEST(LayOut, gradients) {
  const Value x = input("x", DType::f32, {4, 3, 8, 8});
  const Value w = input("w", DType::f32, {8, 3, 3, 3});
  const Value y = ops::max_pool(
      ops::relu(ops::batch_norm(ops::conv(x, w, {}, {.padding = "same"}), {}, {})[0]), {2});
  const Value loss = ops::mean(ops::square(ops::flatten(y)));
  const Graph plain({x, w}, grad(loss, {x, w}));
  const std::vector<Tensor> data{random_tensor(DType::f32, {4, 3, 8, 8}, -1, 1, 7),
                                 random_tensor(DType::f32, {8, 3, 3, 3}, -1, 1, 8)};
  const auto expected = ops::evaluate_reference(plain, data);
  const auto actual = exec::Plan::compile(plain)->run(data);
  for (size_t i = 0; i < 2; ++i) ops::expect_close(actual[i], expected[i], 1e-3, 1e-6, "gradient");
  EXPECT_TRUE(all_last(lay_out(plain)));
}

}  // namespace
}  // namespace andiron
