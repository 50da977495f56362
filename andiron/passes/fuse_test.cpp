#include "andiron/passes/fuse.hpp"

#include <gtest/gtest.h>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/exec/native/program_kernel.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron {
namespace {

using namespace exec::testing_support;

// Node by node by the reference kernels; fused nodes by their fast kernel.
std::vector<Tensor> evaluate(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::unordered_map<Value, Tensor, ValueHash> done;
  for (size_t i = 0; i < inputs.size(); ++i) done[graph.inputs()[i]] = inputs[i];
  for (const Node* node : graph.nodes()) {
    if (node->is("input")) continue;
    std::vector<Tensor> src;
    for (const Value& v : node->inputs) src.push_back(done.at(v));
    std::vector<Tensor> dst;
    if (node->is("constant")) {
      dst = {node->attr<Tensor>("tensor")};
    } else if (node->is("fused")) {
      auto result = exec::testing_support::run_kernel(*node, src);
      EXPECT_EQ(result.kernel, "fused tiles");
      dst = result.dst;
    } else {
      dst = run_reference(*node, src);
    }
    for (size_t i = 0; i < dst.size(); ++i)
      done[Value(node->shared_from_this(), static_cast<int>(i))] = dst[i];
  }
  std::vector<Tensor> outputs;
  for (const Value& v : graph.outputs()) outputs.push_back(done.at(v));
  return outputs;
}

int count(const Graph& graph, std::string_view op) {
  int n = 0;
  for (const Node* node : graph.nodes()) n += node->is(op);
  return n;
}

Graph check(const Graph& graph) {
  std::vector<Tensor> inputs;
  uint64_t seed = 1;
  for (const Value& v : graph.inputs()) inputs.push_back(random_tensor(v.type(), seed++, 0.1, 2));
  const Graph fused = fuse(graph, exec::fuse_rules());
  const auto want = evaluate(graph, inputs), got = evaluate(fused, inputs);
  for (size_t i = 0; i < want.size(); ++i) expect_close(got[i], want[i], 1e-5, 1e-4);
  return fused;
}

Value in(Shape shape) { return input("x", DType::f32, std::move(shape)); }

TEST(Fuse, a_chain_with_bias_and_its_column_sum_is_one_node) {
  const Value x = in({60, 20}), b = in({20}), g = in({60, 20});
  const Value y = ops::relu(x + b);
  const Value gx = g * ops::step(y);
  const Graph fused = check(Graph({x, b, g}, {y, gx, ops::sum(gx, {0})}));
  EXPECT_EQ(count(fused, "fused"), 1);
  EXPECT_EQ(fused.nodes().size(), 4U) << fused.print();
}

TEST(Fuse, a_single_node_stays_as_it_is) {
  const Value x = in({60, 20});
  const Graph graph({x}, {ops::exp(x)});
  EXPECT_EQ(fuse(graph, exec::fuse_rules()).outputs()[0], graph.outputs()[0]);
}

TEST(Fuse, no_cycle_through_a_node_that_cannot_be_fused) {
  // relu(x) -> matmul -> add with relu(x): joining relu and add would need the product first.
  const Value x = in({16, 16}), w = in({16, 16});
  const Value r = ops::exp(ops::relu(x));
  const Value p = ops::matmul(r, w);
  const Graph fused = check(Graph({x, w}, {ops::square(p + r) * r}));
  EXPECT_EQ(count(fused, "fused"), 2) << fused.print();
}

TEST(Fuse, no_cycle_between_two_clusters_either) {
  const Value x = in({8, 8}), y = in({4, 4}), w = in({8, 4});
  const Value a = ops::exp(ops::relu(x));
  const Value b = ops::exp(ops::relu(y));
  auto up = [&](const Value& v) { return ops::matmul(ops::matmul(w, v), w, false, true); };
  auto down = [&](const Value& v) { return ops::matmul(ops::matmul(w, v, true), w); };
  const Value a2 = a + up(b), b2 = b + down(a);
  check(Graph({x, y, w}, {a2 * a, b2 * b}));
}

TEST(Fuse, what_reads_a_reduction_comes_after_it) {
  const Value x = in({12, 7});
  const Value e = ops::exp(x - ops::max(x, {1}, true));
  const Graph fused = check(Graph({x}, {e / ops::sum(e, {1}, true)}));
  EXPECT_EQ(count(fused, "fused"), 1) << fused.print();
}

TEST(Fuse, reductions_that_split_the_axes_differently_stay_apart) {
  const Value x = in({4, 5, 6});
  const Value e = ops::exp(x);
  check(Graph({x}, {ops::sum(e, {0}), ops::sum(e, {0, 1}), ops::sum(e, {2}), ops::sum(e),
                    ops::sum(e, {1})}));
}

TEST(Fuse, readers_of_one_value_are_swept_together) {
  const Value z = in({64, 1}), y = in({64, 1});
  const Value loss = ops::sum(ops::sigmoid_cross_entropy(z, y));
  const Value grad = ops::sigmoid(z) - y;
  const Graph fused = check(Graph({z, y}, {loss, grad}));
  EXPECT_EQ(count(fused, "fused"), 1) << fused.print();
}

TEST(Fuse, long_chains_are_cut_into_nodes_that_have_kernels) {
  Value v = in({100});
  const Value x = v;
  for (int i = 0; i < 100; ++i) v = ops::sqrt(v + 0.5);
  const Graph fused = check(Graph({x}, {v}));
  EXPECT_LE(count(fused, "fused"), 8);
}

}  // namespace
}  // namespace andiron
