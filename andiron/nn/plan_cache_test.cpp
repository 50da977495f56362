#include "andiron/nn/plan_cache.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/predictor.hpp"

namespace andiron::nn {
namespace {

using testing::expect_near;
using testing::f32;
using testing::random_tensor;

ModelPtr small_model() {
  return Sequential({Input({8}), Dense(16, {.activation = "relu"}), Dense(2)});
}

TEST(PlanCache, a_thousand_batch_sizes_do_not_grow_memory) {
  const auto graph = std::make_shared<const Graph>(small_model()->trace());
  PlanCache cache(200 << 10);
  for (int64_t rows = 1; rows <= 1000; ++rows) {
    cache.checkout(graph, {{"batch", rows}}, {.threads = 1});
    ASSERT_LE(cache.bytes(), size_t{200} << 10);
  }
  EXPECT_EQ(cache.compilations(), 1000);
  EXPECT_LT(cache.plans(), 100U);
  EXPECT_GT(cache.plans(), 1U);
  // The last one is still there, the first is not.
  cache.checkout(graph, {{"batch", 1000}}, {.threads = 1});
  EXPECT_EQ(cache.compilations(), 1000);
  cache.checkout(graph, {{"batch", 1}}, {.threads = 1});
  EXPECT_EQ(cache.compilations(), 1001);
}

TEST(PlanCache, a_plan_is_lent_to_one_at_a_time) {
  const auto graph = std::make_shared<const Graph>(small_model()->trace());
  PlanCache cache(size_t{1} << 20, 2);
  std::atomic<int> inside{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        auto plan = cache.checkout(graph, {{"batch", 4}}, {.threads = 1});
        const int now = ++inside;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        --inside;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_LE(most, 2);
  EXPECT_LE(cache.compilations(), 2);
}

TEST(PlanCache, clear_also_drops_what_is_lent_out) {
  const auto graph = std::make_shared<const Graph>(small_model()->trace());
  PlanCache cache;
  {
    auto plan = cache.checkout(graph, {{"batch", 4}});
    cache.clear();
    EXPECT_EQ(cache.plans(), 1U);
  }
  EXPECT_EQ(cache.plans(), 0U);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(Predictor, any_number_of_rows_gives_each_row_its_own_answer) {
  const ModelPtr model = small_model();
  const Predictor predictor(model, 64);
  const Tensor x = random_tensor(f32({8}), 300);
  const Tensor all = predictor.predict({x})[0];
  for (int64_t rows : {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 300}) {
    const Tensor some = predictor.predict({x.rows(0, rows)})[0];
    expect_near(some, all.rows(0, rows).contiguous(), 1e-6);
  }
  EXPECT_EQ(predictor.predict({x.rows(0, 0)})[0].sizes(), (Sizes{0, 2}));
}

TEST(Predictor, few_plans_serve_all_sizes) {
  const Predictor predictor(small_model(), 1024);
  const Tensor x = random_tensor(f32({8}), 1024);
  for (int64_t rows = 1; rows <= 1024; rows += 3) predictor.predict({x.rows(0, rows)});
  EXPECT_LE(predictor.plans().compilations(), 50);
}

TEST(Predictor, many_threads_get_their_own_answers) {
  const ModelPtr model = small_model();
  const Predictor predictor(model);
  const Tensor x = random_tensor(f32({8}), 64);
  const Tensor expected = predictor.predict({x})[0];
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const int64_t row = (t * 11 + i) % 63, rows = 1 + i % 2 * (64 - row - 1);
        const Tensor y = predictor.predict({x.rows(row, row + rows)})[0];
        for (int64_t j = 0; j < y.count(); ++j)
          if (std::abs(y.item(j) - expected.item(row * 2 + j)) > 1e-6) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Predictor, prepared_calls_answer_in_place) {
  const ModelPtr model = small_model();
  const Predictor predictor(model);
  const auto prepared = predictor.prepare(1);
  for (int64_t seed = 1; seed <= 3; ++seed) {
    const Tensor x = random_tensor(f32({8}), 1, 4, seed);
    prepared->input().copy_from(x);
    prepared->run();
    expect_near(prepared->output(), predictor.predict({x})[0], 1e-6);
  }
}

TEST(Predictor, sees_new_weights) {
  const ModelPtr model = small_model();
  const Predictor predictor(model);
  const Tensor x = random_tensor(f32({8}), 2);
  predictor.predict({x});
  for (const VariablePtr& v : model->variables())
    v->assign(Tensor::zeros(v->value().dtype(), v->value().sizes()));
  expect_near(predictor.predict({x})[0], Tensor::zeros(DType::f32, {2, 2}), 0.0);
}

TEST(Predictor, errors_name_the_input) {
  const auto a = Input({3}, {.name = "a"}), b = Input({3}, {.name = "b"});
  const Predictor predictor(Model({a, b}, {Add()({a, b})}));
  const Tensor x = Tensor::zeros(DType::f32, {2, 3});
  EXPECT_EQ(testing::error_of([&] { predictor.predict({x}); }),
            "[predict] the model has 2 inputs; got 1");
  EXPECT_EQ(testing::error_of([&] {
              predictor.predict({x, Tensor::zeros(DType::f32, {2, 4})});
            }),
            "[data] input 'b' must be [batch,3]; got [2,4]");
  EXPECT_EQ(testing::error_of([&] {
              predictor.predict({x, Tensor::zeros(DType::f32, {5, 3})});
            }),
            "[predict] input 'b' has 5 rows but input 'a' has 2");
}

}  // namespace
}  // namespace andiron::nn
