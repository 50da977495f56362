#include "andiron/train/data_parallel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <thread>

#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/collective/ranks_testing.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/metrics/metric.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/train/checkpoint_store.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/data/sharded_dataset.hpp"
#include "andiron/train/dataset_source.hpp"
#include "andiron/train/memory_store_testing.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {
namespace {

// Uneven, empty, tiny; 131 samples in all.
const std::vector<int64_t> kSizes = {13, 0, 90, 7, 1, 20};
// The small table has fewer rows than a step has samples, and more than some workers have.
constexpr int64_t kSmallTable = 22, kLargeTable = 3000, kBatch = 24;

// The most samples that one of so many workers has in a step; shard s is worker s % workers'.
int64_t capacity_of(int workers) {
  const Quotas quotas(kSizes);
  int64_t most = 1;
  for (int64_t at = 0; at < quotas.total(); at += kBatch) {
    const auto begin = quotas.of_first(at);
    const auto end = quotas.of_first(std::min(at + kBatch, quotas.total()));
    std::vector<int64_t> rows(static_cast<size_t>(workers));
    for (size_t s = 0; s < kSizes.size(); ++s)
      rows[s % static_cast<size_t>(workers)] += end[s] - begin[s];
    most = std::max(most, *std::max_element(rows.begin(), rows.end()));
  }
  return most;
}

uint32_t noise(uint64_t stream, int64_t i) { return Philox{stream}(static_cast<uint64_t>(i))[0]; }

// Shard s: its class is nearly always s % 2, so that most workers never see one of them in a batch.
std::shared_ptr<Dataset> shard(int64_t s) {
  const int64_t n = kSizes[static_cast<size_t>(s)];
  Tensor small(DType::i32, {n}), large(DType::i32, {n}), y(DType::f32, {n, 1});
  for (int64_t i = 0; i < n; ++i) {
    const auto key = static_cast<uint64_t>(s);
    small.data<int32_t>()[i] = static_cast<int32_t>(noise(key, i) % kSmallTable);
    large.data<int32_t>()[i] = static_cast<int32_t>(noise(key + 100, i) % 40 * 70);
    y.data<float>()[i] = static_cast<float>(i == 3 ? 1 - s % 2 : s % 2);
  }
  return std::make_shared<ArrayDataset>(
      ArrayData{{{"small", small}, {"large", large}}, {{"y", y}}, {}},
      DataOptions{.batch_size = 1, .shuffle = true, .seed = static_cast<uint64_t>(s) + 7});
}

using MakeOptimizer = nn::OptimizerPtr (*)();

// A worker of `workers`, or, without a communicator, all of the training in one process.
struct Worker {
  explicit Worker(MakeOptimizer make, std::shared_ptr<collective::Communicator> communicator = {}) {
    const int workers = communicator ? communicator->size() : 1;
    const int rank = communicator ? communicator->rank() : 0;
    std::vector<ShardedDataset::Shard> mine;
    std::vector<std::function<uint64_t()>> contents;
    for (size_t s = 0; s < kSizes.size(); ++s)
      if (kSizes[s] > 0 && static_cast<int>(s) % workers == rank) {
        mine.push_back({static_cast<int64_t>(s), shard(static_cast<int64_t>(s))});
        contents.push_back([s] { return uint64_t{s}; });
      }
    const auto dataset = std::make_shared<ShardedDataset>(
        mine, kSizes, shard(0)->fields(), DataOptions{.batch_size = kBatch, .shuffle = false});
    source = std::make_unique<ShardedSource>(dataset, contents);
    if (communicator) together = std::make_shared<DataParallel>(communicator, capacity_of(workers));

    nn::set_random_seed(3);
    const auto a = nn::Input({}, {.name = "small", .dtype = DType::i32});
    const auto b = nn::Input({}, {.name = "large", .dtype = DType::i32});
    const auto h =
        nn::Concatenate()({nn::Embedding(kSmallTable, 4)(a), nn::Embedding(kLargeTable, 6)(b)});
    compiled = std::make_shared<nn::CompiledModel>(
        nn::Model(std::vector{a, b},
                  std::vector{nn::Dense(1)(nn::Dense(5, {.activation = "tanh"})(h))}),
        nn::CompileOptions{.optimizer = make(),
                           .losses = {nn::BinaryCrossentropy({.from_logits = true})},
                           .predictions_in_training = true,
                           .plan = {.threads = 1},
                           .exchange = together,
                           .worker = rank});
    trainer = std::make_unique<Trainer>(
        compiled,
        std::vector<OutputMetric>{{.name = "auc", .metric = metrics::make_metric("auc")}});
  }

  std::vector<double> weights() const {
    std::vector<double> out;
    for (const VariablePtr& v : compiled->model()->variables())
      for (int64_t i = 0; i < v->value().count(); ++i) out.push_back(v->value().item(i));
    return out;
  }
  FitOptions options(int64_t epochs, bool validates = true) const {
    FitOptions o{.epochs = epochs};
    if (validates) o.validation = source.get();
    o.workers = together.get();
    return o;
  }

  std::shared_ptr<DataParallel> together;
  std::shared_ptr<nn::CompiledModel> compiled;
  std::unique_ptr<DatasetSource> source;
  std::unique_ptr<Trainer> trainer;
};

nn::OptimizerPtr adam() {
  nn::AdamOptions o;
  o.learning_rate = 0.02;
  o.epsilon = 1e-3;
  return nn::Adam(o);
}
nn::OptimizerPtr lazy_adam() {
  nn::AdamOptions o;
  o.learning_rate = 0.02;
  o.epsilon = 1e-3;
  o.lazy = true;
  return nn::Adam(o);
}
nn::OptimizerPtr clipped_momentum() {
  nn::SGDOptions o;
  o.learning_rate = 0.1;
  o.momentum = 0.9;
  o.global_clipnorm = 0.3;
  return nn::SGD(o);
}

class DataParallelTraining
    : public testing::TestWithParam<std::tuple<std::pair<const char*, MakeOptimizer>, int>> {};

INSTANTIATE_TEST_SUITE_P(
    all, DataParallelTraining,
    testing::Combine(testing::Values(std::pair<const char*, MakeOptimizer>{"adam", adam},
                                     std::pair<const char*, MakeOptimizer>{"lazy_adam", lazy_adam},
                                     std::pair<const char*, MakeOptimizer>{"sgd",
                                                                           clipped_momentum}),
                     testing::Values(1, 2, 3, 7)),
    [](const auto& info) {
      return std::string(std::get<0>(info.param).first) + "_" +
             std::to_string(std::get<1>(info.param));
    });

// Runs fit on threads as ranks, each with a model of its own.
std::vector<std::unique_ptr<Worker>> train(MakeOptimizer make, int n,
                                           const std::function<void(Worker&, int)>& fit) {
  collective::Ranks ranks = collective::connect_ranks(n);
  std::vector<std::unique_ptr<Worker>> workers(static_cast<size_t>(n));
  for (int r = 0; r < n; ++r)  // one after another: layers draw their first values from one stream
    workers[static_cast<size_t>(r)] = std::make_unique<Worker>(
        make,
        std::shared_ptr<collective::Communicator>(std::move(ranks.all[static_cast<size_t>(r)])));
  collective::on_ranks(n, [&](int r) { fit(*workers[static_cast<size_t>(r)], r); });
  return workers;
}

TEST_P(DataParallelTraining, equals_one_process_on_the_same_batches) {
  const auto& [optimizer, n] = GetParam();
  Worker alone(optimizer.second);
  alone.trainer->fit(*alone.source, alone.options(3));
  const Logs want = alone.trainer->history().logs.back();
  ASSERT_EQ(alone.compiled->step(), 3 * ((131 + kBatch - 1) / kBatch));

  const auto workers =
      train(optimizer.second, n, [](Worker& w, int) { w.trainer->fit(*w.source, w.options(3)); });
  const std::vector<double> expected = alone.weights(), first = workers[0]->weights();
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(first[i], expected[i], 2e-5) << i;
  for (const auto& w : workers) {
    EXPECT_EQ(w->weights(), first) << "workers differ";
    const Logs got = w->trainer->history().logs.back();
    EXPECT_EQ(got, workers[0]->trainer->history().logs.back());
    for (const auto& [name, value] : want) {
      ASSERT_NE(find(got, name), nullptr) << name;
      EXPECT_NEAR(*find(got, name), value, 2e-4) << name;
    }
  }
}

TEST(DataParallel, an_error_of_one_worker_reaches_all_with_its_words) {
  std::vector<std::string> errors(3);
  train(adam, 3, [&](Worker& w, int r) {
    FitOptions o = w.options(50);
    int steps = 0;
    if (r == 1)
      o.between_steps = [&] {
        if (++steps == 5) throw Error("row 17 of column 'price' is not a number");
      };
    try {
      w.trainer->fit(*w.source, o);
    } catch (const std::exception& e) {
      errors[static_cast<size_t>(r)] = e.what();
    }
  });
  for (const std::string& e : errors)
    EXPECT_NE(e.find("row 17 of column 'price'"), std::string::npos) << e;
}

TEST(DataParallel, a_broken_training_resumes_with_the_same_bits) {
  const auto undisturbed =
      train(adam, 3, [](Worker& w, int) { w.trainer->fit(*w.source, w.options(3, false)); });
  const Logs figures = undisturbed[0]->trainer->history().logs.back();
  for (const int at : {1, 4, 7, 11}) {
    const std::string folder = testing::TempDir() + "andiron_workers";
    std::filesystem::remove_all(folder);
    train(adam, 3, [&](Worker& w, int r) {
      FitOptions o = w.options(3, false);
      o.checkpoint = {folder_store(folder), 2};
      int steps = 0;
      o.between_steps = [&] {
        if (r == 2 && ++steps == at) throw Error("broken");
      };
      EXPECT_THROW(w.trainer->fit(*w.source, o), std::exception);
    });
    std::vector<int64_t> begun_at(3, -1);
    const auto resumed = train(adam, 3, [&](Worker& w, int r) {
      FitOptions o = w.options(3, false);
      o.checkpoint = {folder_store(folder), 2, 0.0, true};
      o.between_steps = [&] {
        int64_t& begun = begun_at[static_cast<size_t>(r)];
        if (begun < 0) begun = w.compiled->step() - 1;
      };
      w.trainer->fit(*w.source, o);
    });
    // From the latest checkpoint, not from scratch: one lies at every second step.
    for (const int64_t begun : begun_at) EXPECT_EQ(begun, at / 2 * 2);
    EXPECT_EQ(resumed[0]->weights(), undisturbed[0]->weights()) << "broken at step " << at;
    EXPECT_EQ(resumed[0]->trainer->history().logs.back(), figures);

    // Other workers go on from there too: the same in the mathematics, not in the bits.
    const auto others = train(adam, 2, [&](Worker& w, int) {
      FitOptions o = w.options(4, false);
      o.checkpoint = {folder_store(folder), 2, 0.0, true};
      w.trainer->fit(*w.source, o);
    });
    EXPECT_EQ(others[0]->compiled->step(), 4 * 6);
  }
}

TEST(DataParallel, checkpoints_by_the_first_workers_clock_come_at_the_same_step_on_all) {
  const auto undisturbed =
      train(adam, 3, [](Worker& w, int) { w.trainer->fit(*w.source, w.options(3, false)); });
  const auto store = std::make_shared<MemoryStore>();
  store->may_write.release(1000);
  const auto fit = [&](Worker& w, int r, bool resume) {
    FitOptions o = w.options(3, false);
    o.checkpoint = {store, 0, 2e-3, resume};
    // Workers that are late in turn: whoever looked at its own clock would take another step's.
    int steps = 0;
    o.between_steps = [&] {
      if (++steps % 3 == r) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    };
    w.trainer->fit(*w.source, o);
  };
  const auto timed = train(adam, 3, [&](Worker& w, int r) { fit(w, r, false); });
  EXPECT_EQ(timed[2]->weights(), undisturbed[2]->weights());
  EXPECT_GT(store->told.size(), 3U) << "at the ends of the epochs only";
  // The oldest that was kept, and what it was made of: each worker's part of the same step.
  store->files.erase(std::next(store->files.begin()), store->files.end());
  const auto resumed = train(adam, 3, [&](Worker& w, int r) { fit(w, r, true); });
  EXPECT_EQ(resumed[1]->weights(), undisturbed[1]->weights());
  EXPECT_EQ(resumed[1]->trainer->history().logs.back(),
            undisturbed[1]->trainer->history().logs.back());
}

TEST(DataParallel, settings_of_checkpoints_that_differ_are_told_to_all) {
  std::vector<std::string> errors(2);
  const auto store = std::make_shared<MemoryStore>();
  train(adam, 2, [&](Worker& w, int r) {
    FitOptions o = w.options(1, false);
    if (r == 0) o.checkpoint = {store, 0, 60.0};
    try {
      w.trainer->fit(*w.source, o);
    } catch (const Error& e) {
      errors[static_cast<size_t>(r)] = e.what();
    }
  });
  for (const std::string& e : errors)
    EXPECT_NE(e.find("need the same settings"), std::string::npos) << e;
}

TEST(DataParallel, resuming_with_other_workers_is_the_same_but_for_rounding) {
  Worker alone(adam);
  alone.trainer->fit(*alone.source, alone.options(3, false));
  const std::string folder = testing::TempDir() + "andiron_other_workers";
  std::filesystem::remove_all(folder);
  train(adam, 3, [&](Worker& w, int) {
    FitOptions o = w.options(3, false);
    o.checkpoint = {folder_store(folder), 2};
    int steps = 0;
    o.between_steps = [&] {
      if (++steps == 9) throw Error("broken");
    };
    EXPECT_THROW(w.trainer->fit(*w.source, o), std::exception);
  });
  EXPECT_LT(capacity_of(3), kSmallTable);
  for (const int n : {2, 1}) {
    const auto others = train(adam, n, [&](Worker& w, int) {
      FitOptions o = w.options(n == 2 ? 2 : 3, false);
      o.checkpoint = {folder_store(folder), 2, 0.0, true};
      w.trainer->fit(*w.source, o);
    });
    if (n == 2) continue;
    const std::vector<double> want = alone.weights(), got = others[0]->weights();
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-5);
    EXPECT_NEAR(*find(others[0]->trainer->history().logs.back(), "loss"),
                *find(alone.trainer->history().logs.back(), "loss"), 1e-5);
  }
}

TEST(Quotas, are_websters_and_never_take_back) {
  const Quotas quotas({13, 0, 90, 7, 1, 20});
  std::vector<int64_t> want(6);
  for (int64_t t = 0; t <= quotas.total(); ++t) {
    ASSERT_EQ(quotas.of_first(t), want) << t;
    size_t best = 6;  // by the definition, one place at a time
    for (size_t s = 0; s < 6; ++s) {
      if (want[s] == kSizes[s]) continue;
      if (best == 6 ||
          static_cast<double>(kSizes[s]) / static_cast<double>(2 * want[s] + 1) >
              static_cast<double>(kSizes[best]) / static_cast<double>(2 * want[best] + 1))
        best = s;
    }
    if (best < 6) ++want[best];
  }
  EXPECT_THROW(Quotas({0, 0}), Error);
  EXPECT_THROW(Quotas({3, -1}), Error);
}

}  // namespace
}  // namespace andiron::train
