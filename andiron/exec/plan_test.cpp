#include "andiron/exec/plan.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/arrays.hpp"
#include "andiron/ops/elementary.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"

namespace andiron::exec {
namespace {

Tensor random_tensor(Sizes sizes, uint64_t seed) {
  Tensor t(DType::f32, std::move(sizes));
  for (int64_t i = 0; i < t.count(); ++i)
    t.data<float>()[i] = uniform_float(Philox{seed}(static_cast<uint64_t>(i))[0]) * 2 - 1;
  return t;
}

// Outputs, then updates, by the reference kernels alone.
std::vector<Tensor> by_reference(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::vector<Value> results = graph.outputs();
  for (const Graph::Update& u : graph.updates()) results.push_back(u.value);
  return ops::evaluate_reference(Graph(graph.inputs(), results), inputs);
}

void expect_close(const Tensor& a, const Tensor& b, double tolerance) {
  ASSERT_EQ(a.sizes(), b.sizes());
  for (int64_t i = 0; i < a.count(); ++i)
    ASSERT_NEAR(a.item(i), b.item(i), tolerance * (1 + std::abs(b.item(i)))) << "element " << i;
}

// A two-layer network with a squared error and plain gradient descent.
struct Network {
  VariablePtr w1, b1, w2;
  Graph graph;

  explicit Network(double rate = 0.1) {
    w1 = std::make_shared<Variable>("w1", random_tensor({7, 24}, 1));
    b1 = std::make_shared<Variable>("b1", random_tensor({24}, 2));
    w2 = std::make_shared<Variable>("w2", random_tensor({24, 1}, 3));
    const Value x = input("x", DType::f32, {Dim::symbol("batch"), 7});
    const Value y = input("y", DType::f32, {Dim::symbol("batch"), 1});
    const Value v1 = read(w1), c1 = read(b1), v2 = read(w2);
    const Value p = ops::matmul(ops::relu(ops::dense(x, v1, c1)), v2);
    const Value e = p + -1.0 * y;
    const Value loss = ops::sum(e * e) * ops::reshape(
        constant(1.0) * constant(1.0 / 64), Shape{});
    const std::vector<Value> g = grad(loss, {v1, c1, v2});
    graph = Graph({x, y}, {loss, p}, {{w1, v1 + -rate * g[0]}, {b1, c1 + -rate * g[1]},
                                      {w2, v2 + -rate * g[2]}});
  }
};

class PlanTest : public testing::TestWithParam<std::tuple<int, int64_t, int64_t>> {};

TEST_P(PlanTest, step_equals_the_reference_kernels) {
  const auto [threads, batch, tile] = GetParam();
  Network net;
  const std::vector<Tensor> in{random_tensor({batch, 7}, 4), random_tensor({batch, 1}, 5)};
  const std::vector<Tensor> expected =
      by_reference(bind_sizes(net.graph, {{"batch", batch}}), in);
  PlanOptions options;
  options.threads = threads;
  options.tile = tile > 0;
  options.tile_rows = tile;
  auto plan = Plan::compile(net.graph, {{"batch", batch}}, options);
  const std::vector<Tensor> out = plan->run(in);
  expect_close(out[0], expected[0], 1e-5);
  expect_close(out[1], expected[1], 1e-5);
  expect_close(net.w1->value(), expected[2], 1e-5);
  expect_close(net.b1->value(), expected[3], 1e-5);
  expect_close(net.w2->value(), expected[4], 1e-5);
}

INSTANTIATE_TEST_SUITE_P(threads_batch_tile, PlanTest,
                         testing::Values(std::tuple{1, 64, 0}, std::tuple{2, 64, 0},
                                         std::tuple{1, 1024, 128}, std::tuple{2, 1024, 128},
                                         std::tuple{2, 1000, 96}, std::tuple{2, 1, 0},
                                         std::tuple{2, 513, 64}));

TEST(Plan, tiles_are_used_for_large_batches) {
  Network net;
  PlanOptions options;
  options.threads = 2;
  auto plan = Plan::compile(net.graph, {{"batch", 4096}}, options);
  EXPECT_NE(plan->print().find("per tile"), std::string::npos) << plan->print();
}

TEST(Plan, same_bits_every_run) {
  const std::vector<Tensor> in{random_tensor({1000, 7}, 4), random_tensor({1000, 1}, 5)};
  std::vector<Tensor> weights;
  for (int run = 0; run < 2; ++run) {
    Network net(0.001);
    PlanOptions options;
    options.threads = 2;
    auto plan = Plan::compile(net.graph, {{"batch", 1000}}, options);
    for (int step = 0; step < 5; ++step) plan->run(in);
    weights.push_back(net.w1->value());
  }
  for (int64_t i = 0; i < weights[0].count(); ++i)
    ASSERT_EQ(weights[0].item(i), weights[1].item(i));
}

TEST(Plan, wrong_inputs_are_named) {
  Network net;
  auto plan = Plan::compile(net.graph, {{"batch", 8}});
  try {
    plan->run(std::vector<Tensor>{random_tensor({8, 6}, 1), random_tensor({8, 1}, 1)});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[plan] input 'x' must be float32[8,7]; got float32[8,6]");
  }
  EXPECT_THROW(Plan::compile(net.graph), Error);
}

TEST(Plan, numerics_check_names_the_first_op) {
  const Value x = input("x", DType::f32, {4});
  PlanOptions options;
  options.check_numerics = true;
  options.fuse = false;
  auto plan = Plan::compile(Graph({x}, {ops::relu(x * 3e38)}), {}, options);
  try {
    plan->run(std::vector<Tensor>{Tensor::full(DType::f32, {4}, 10)});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[multiply] produced NaN or infinity");
  }
}

TEST(Plan, outputs_may_be_inputs_constants_and_repeated) {
  const Value x = input("x", DType::f32, {2});
  const Value y = x + x;
  const auto out = eager::call(Graph({x}, {x, y, y, constant(3.0), ops::reshape(y, {2, 1})}),
                               {Tensor::from<float>({1, 2}, {2})});
  EXPECT_EQ(out[0].item(1), 2);
  EXPECT_EQ(out[1].item(1), 4);
  EXPECT_EQ(out[2].item(1), 4);
  EXPECT_EQ(out[3].item(0), 3);
  EXPECT_EQ(out[4].item(1), 4);
}

// Found by tests/fuzz/ops_fuzz.cpp: as many rows as there are, each of no elements.
TEST(Plan, results_without_elements_take_no_time) {
  const Value x = input("x", DType::i32, {int64_t{1} << 40, 0});
  const std::vector<Value> y{ops::sort(x)[0], ops::cumsum(x), ops::cast(x, DType::f32)};
  const auto out = eager::call(Graph({x}, y), {Tensor(DType::i32, {int64_t{1} << 40, 0})});
  for (const Tensor& t : out) EXPECT_EQ(t.sizes(), (Sizes{int64_t{1} << 40, 0}));
  for (const Tensor& t : ops::evaluate_reference(Graph({x}, y), {out[0]})) EXPECT_EQ(t.count(), 0);
}

TEST(Plan, indices_into_nothing_are_an_error) {
  const Value x = input("x", DType::f32, {0, 3}), at = input("at", DType::i32, {2, 1});
  const Value y = ops::scatter_add(x, at, constant(Tensor::zeros(DType::f32, {2, 3})));
  const std::vector<Tensor> values{Tensor(DType::f32, {0, 3}), Tensor::zeros(DType::i32, {2, 1})};
  EXPECT_THROW(eager::call(Graph({x, at}, {y}), values), Error);
  EXPECT_THROW(ops::evaluate_reference(Graph({x, at}, {y}), values), Error);
}

TEST(Eager, one_op_at_a_time) {
  const Tensor a = Tensor::from<float>({1, 2, 3, 4}, {2, 2});
  const Tensor b = eager::run(ops::matmul(constant(a), constant(a)).node().op[0], {a, a})[0];
  EXPECT_EQ(b.item(0), 7);
  EXPECT_EQ(b.item(3), 22);
}

}  // namespace
}  // namespace andiron::exec
