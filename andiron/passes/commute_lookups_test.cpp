#include "andiron/passes/commute_lookups.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/nn/optimizers/rule_optimizer.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"
#include "andiron/passes/embedding_gradients.hpp"

namespace andiron {
namespace {

using exec::testing_support::expect_close;
using exec::testing_support::random_tensor;

constexpr int64_t kBatch = 600;
constexpr int kThreads = 2;

// Some ids often, most never.
Tensor skewed_ids(int64_t n_rows, uint64_t seed) {
  const Tensor u = random_tensor({DType::f32, {kBatch}}, seed, 0, 1);
  Tensor ids(DType::i32, {kBatch});
  for (int64_t i = 0; i < kBatch; ++i)
    ids.data<int32_t>()[i] =
        static_cast<int32_t>(std::pow(u.data<float>()[i], 4.0F) * static_cast<float>(n_rows));
  return ids;
}

// Two look-ups beside an ordinary input through a dense layer, as recommenders have them.
struct Towers {
  Dim batch = Dim::symbol("batch");
  VariablePtr users, items, weights, bias, last;
  Value user = input("user", DType::i32, {batch}), item = input("item", DType::i32, {batch, 1}),
        numbers = input("numbers", DType::f32, {batch, 3});
  std::vector<Tensor> data;

  Towers(int64_t n_users, int64_t n_items) {
    auto variable = [&](const char* name, Sizes sizes, uint64_t seed) {
      return std::make_shared<Variable>(name,
                                        random_tensor({DType::f32, Shape(sizes)}, seed, -0.5, 0.5));
    };
    users = variable("users", {n_users, 40}, 1);
    items = variable("items", {n_items, 48}, 2);
    weights = variable("weights", {91, 24}, 3);
    bias = variable("bias", {24}, 4);
    last = variable("last", {24, 1}, 5);
    data = {skewed_ids(n_users, 6), skewed_ids(n_items, 7).reshape({kBatch, 1}),
            random_tensor({DType::f32, {kBatch, 3}}, 8)};
  }
  std::vector<VariablePtr> variables() const { return {users, items, weights, bias, last}; }

  // Users stand behind the numbers, so that parts of all kinds meet.
  Graph forward() const {
    const Value rows = ops::embedding(read(users), user);
    const Value more = ops::reshape(ops::embedding(read(items), item), {batch, 48});
    const Value x = ops::concat({more, numbers, rows}, 1);
    const Value h = ops::relu(ops::dense(x, read(weights), read(bias)));
    return Graph({user, item, numbers}, {ops::mean(ops::square(ops::matmul(h, read(last))))});
  }
};

int count(const Graph& graph, std::string_view op) {
  int n = 0;
  for (const Node* node : graph.nodes()) n += node->is(op) ? 1 : 0;
  return n;
}

// Whether a product is left whose result has one row for each sample, as wide as a table's.
bool multiplies_by_sample(const Graph& graph) {
  for (const Node* node : graph.nodes())
    if (node->is("matmul") && node->outputs[0].shape[0].multiple_of("batch") > 0 &&
        node->outputs[0].shape[1].size() >= 40)
      return true;
  return false;
}

Graph with_updates_as_outputs(const Graph& g) {
  std::vector<Value> outputs = g.outputs();
  for (const Graph::Update& u : g.updates()) outputs.push_back(u.value);
  return Graph(g.inputs(), outputs);
}

struct Setting {
  const char* name;
  nn::OptimizerPtr (*make)();
};

template <class Change>
nn::OptimizerPtr adam(Change change) {
  nn::AdamOptions o;
  o.learning_rate = 0.01;
  o.epsilon = 1e-3;  // else the first step has the size of the rate, however small a gradient is
  change(o);
  return nn::Adam(o);
}

const Setting kSettings[] = {
    {"exact", [] { return adam([](auto&) {}); }},
    {"lazy", [] { return adam([](auto& o) { o.lazy = true; }); }},
    {"clipped", [] { return adam([](auto& o) { o.global_clipnorm = 0.01; }); }},
    {"sgd", [] {
       nn::SGDOptions o;
       o.learning_rate = 0.1;
       return nn::SGD(o);
     }}};

struct Sizes2 {
  int64_t n_users, n_items;
};

class CommuteLookups : public testing::TestWithParam<std::tuple<Setting, Sizes2>> {};

// Tables beside which the batch is short (rows that occur), long (whole tables), one of each.
INSTANTIATE_TEST_SUITE_P(all, CommuteLookups,
                         testing::Combine(testing::ValuesIn(kSettings),
                                          testing::Values(Sizes2{5000, 900}, Sizes2{40, 30},
                                                          Sizes2{3000, 30})),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::to_string(std::get<1>(info.param).n_users) + "_" +
                                  std::to_string(std::get<1>(info.param).n_items);
                         });

TEST_P(CommuteLookups, training_steps_stay_the_same) {
  const auto& [setting, sizes] = GetParam();
  const Towers towers(sizes.n_users, sizes.n_items);
  const nn::OptimizerPtr optimizer = setting.make();
  const Graph step = optimizer->minimize(towers.forward(), 0, towers.variables());
  const Graph before = with_updates_as_outputs(choose_embedding_gradients(step, kBatch, kThreads));
  const Graph after = commute_lookups(before, kBatch, kThreads);
  EXPECT_TRUE(multiplies_by_sample(before));
  EXPECT_FALSE(multiplies_by_sample(after)) << after.print();
  EXPECT_EQ(count(after, "counted_matmul") > 0, sizes.n_users > 40);

  std::vector<Tensor> inputs = towers.data;
  inputs.push_back(Tensor::scalar(0.01));
  inputs.push_back(Tensor::scalar(1, DType::i64));
  const auto want = ops::evaluate_reference(before, inputs);
  const auto got = ops::evaluate_reference(after, inputs);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    if (!is_floating(want[i].dtype())) continue;
    expect_close(got[i], want[i], 1e-4, 2e-5);
  }

  // And as a plan, by the fast kernels.
  const auto plan = exec::Plan::compile(step, {{"batch", kBatch}}, {.threads = kThreads});
  EXPECT_NEAR(plan->run(inputs)[0].item(), want[0].item(), 1e-6);
  for (size_t i = 0; i < step.updates().size(); ++i) {
    if (!is_floating(step.updates()[i].value.dtype())) continue;
    expect_close(step.updates()[i].variable->value(), want[1 + i], 1e-4, 2e-5);
  }
}

// A tower that is shared by one look-up a sample and by four (negatives): more rows may occur in
// the second table than the batch has samples.
TEST(CommuteLookups, other_products_with_the_same_weights_keep_their_rows) {
  const Dim batch = Dim::symbol("batch");
  const auto variable = [](const char* name, Sizes sizes, uint64_t seed) {
    return std::make_shared<Variable>(name, random_tensor({DType::f32, Shape(sizes)}, seed, -1, 1));
  };
  const auto one = variable("one", {4000, 40}, 1), four = variable("four", {5000, 40}, 2),
             weights = variable("weights", {40, 24}, 3);
  const Value a = input("a", DType::i32, {batch}), b = input("b", DType::i32, {batch, 4});
  const Value w = read(weights);
  const Value x = ops::matmul(ops::embedding(read(one), a), w);
  const Value many = ops::reshape(ops::embedding(read(four), b), {batch * 4, 40});
  const Value y = ops::matmul(many, w);
  const Value loss = ops::mean(ops::square(x)) + ops::mean(ops::square(y));
  const nn::OptimizerPtr optimizer = kSettings[3].make();  // SGD
  const Graph step = optimizer->minimize(Graph({a, b}, {loss}), 0, {one, four, weights});
  Tensor ids(DType::i32, {kBatch, 4}), first(DType::i32, {kBatch});
  for (int64_t i = 0; i < 4 * kBatch; ++i) ids.data<int32_t>()[i] = static_cast<int32_t>(i * 2);
  for (int64_t i = 0; i < kBatch; ++i) first.data<int32_t>()[i] = static_cast<int32_t>(i % 50);
  const std::vector<Tensor> inputs = {first, ids, Tensor::scalar(0.1),
                                      Tensor::scalar(1, DType::i64)};
  const auto want = ops::evaluate_reference(with_updates_as_outputs(step), inputs);
  const auto plan = exec::Plan::compile(step, {{"batch", kBatch}}, {.threads = kThreads});
  EXPECT_NEAR(plan->run(inputs)[0].item(), want[0].item(), 1e-3);
  for (size_t i = 0; i < step.updates().size(); ++i)
    if (is_floating(step.updates()[i].value.dtype()))
      expect_close(step.updates()[i].variable->value(), want[1 + i], 1e-4, 2e-5);
}

TEST(CommuteLookups, leaves_short_rows_wide_layers_and_small_batches) {
  const Dim batch = Dim::symbol("batch");
  auto commutes = [&](int64_t width, int64_t units, int64_t n) {
    const Value ids = input("ids", DType::i32, {batch});
    const auto table = std::make_shared<Variable>("t", Tensor(DType::f32, {20, width}));
    const auto weights = std::make_shared<Variable>("w", Tensor(DType::f32, {width, units}));
    const Graph g({ids}, {ops::matmul(ops::embedding(read(table), ids), read(weights))});
    return count(commute_lookups(g, n, kThreads), "embedding") == 1 &&
           commute_lookups(g, n, kThreads).outputs()[0].node().is("embedding");
  };
  EXPECT_TRUE(commutes(64, 64, 1000));
  EXPECT_FALSE(commutes(16, 16, 1000));
  EXPECT_FALSE(commutes(64, 200, 1000));
  EXPECT_FALSE(commutes(64, 64, 100));
}

}  // namespace
}  // namespace andiron
