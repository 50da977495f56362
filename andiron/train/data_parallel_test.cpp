#include "andiron/train/data_parallel.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "andiron/base/error.hpp"
#include "andiron/collective/ranks_testing.hpp"
#include "andiron/train/checkpoint_store.hpp"
#include "andiron/train/data_parallel_testing.hpp"
#include "andiron/train/memory_store_testing.hpp"

namespace andiron::train {
namespace {

TEST(DataParallel, what_bfloat16_cannot_carry_is_refused_before_a_step) {
  const Variable wide("wide", Tensor::zeros(DType::f64, {3}));
  const Variable usual("usual", Tensor::zeros(DType::f32, {3}));
  collective::Ranks ranks = collective::connect_ranks(1);
  const std::shared_ptr<collective::Communicator> alone = std::move(ranks.all[0]);
  const DataParallel narrow(alone, 1, true), same(alone, 1);
  narrow.check(usual);
  same.check(wide);
  try {
    narrow.check(wide);
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "[fit] wire_dtype=\"bfloat16\" is for float32 weights, and 'wide' is float64: "
                 "leave wire_dtype at \"float32\", which sends each gradient in its own type");
  }
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

TEST_P(DataParallelTraining, equals_one_process_on_the_same_batches) {
  const auto& [optimizer, n] = GetParam();
  Worker alone(optimizer.second());
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
  Worker alone(adam());
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
  EXPECT_LT(capacity_of(3, kBatch), kSmallTable);
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

}  // namespace
}  // namespace andiron::train
