#include "andiron/train/training_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/dataset_source.hpp"
#include "andiron/train/memory_store_testing.hpp"

namespace andiron::train {
namespace {

using testing::HasSubstr;

constexpr int64_t kRows = 80, kBatch = 8, kSteps = kRows / kBatch;

// A dense model with Adam, for one epoch of ten steps.
struct Training {
  Training() {
    nn::set_random_seed(3);
    const auto x = nn::Input({4}, {.name = "x"});
    compiled = std::make_shared<nn::CompiledModel>(
        nn::Model(x, nn::Dense(1)(nn::Dense(5, {.activation = "tanh"})(x))),
        nn::CompileOptions{.optimizer = nn::Adam({{}, 0.05}), .losses = {nn::MeanSquaredError()}});
    Tensor rows(DType::f32, {kRows, 4}), y(DType::f32, {kRows, 1});
    for (int64_t i = 0; i < rows.count(); ++i)
      rows.data<float>()[i] = 0.1F * static_cast<float>(i * 7 % 31);
    for (int64_t i = 0; i < kRows; ++i) y.data<float>()[i] = static_cast<float>(i % 5);
    auto dataset = std::make_shared<ArrayDataset>(
        ArrayData{{{"x", rows}}, {{"y", y}}, {}},
        DataOptions{.batch_size = kBatch, .shuffle = true, .seed = 1});
    source = std::make_unique<DatasetSource>(dataset, std::vector<Tensor>{rows, y});
    trainer = std::make_unique<Trainer>(compiled, std::vector<OutputMetric>{});
  }

  std::vector<float> fit(const CheckpointOptions& checkpoint,
                         const std::function<void()>& between_steps = {}) {
    FitOptions options{.checkpoint = checkpoint};
    options.between_steps = between_steps;
    trainer->fit(*source, options);
    return weights();
  }

  std::vector<float> weights() {
    std::vector<float> out;
    for (const VariablePtr& v : compiled->model()->variables())
      for (int64_t i = 0; i < v->value().count(); ++i) out.push_back(v->value().data<float>()[i]);
    return out;
  }

  std::shared_ptr<nn::CompiledModel> compiled;
  std::unique_ptr<DatasetSource> source;
  std::unique_ptr<Trainer> trainer;
};

std::vector<float> undisturbed() { return Training().fit({}); }

struct KeepsAll : MemoryStore {
  using MemoryStore::MemoryStore;
  Result<> remove(const std::string&) override { return success(); }
};

std::vector<int64_t> steps_told(const MemoryStore& store) {
  std::vector<int64_t> out;
  for (const auto& [step, why] : store.told) out.push_back(step);
  return out;
}

TEST(TrainingState, steps_run_while_a_checkpoint_is_written_that_holds_none_of_them) {
  const auto store = std::make_shared<KeepsAll>(/*strict=*/false);
  Training t;
  bool released = false;
  const std::vector<float> weights = t.fit({store, 2}, [&] {
    if (t.compiled->step() < 5 || released) return;
    EXPECT_TRUE(store->files.empty());  // the one of step 2 is still being written
    store->may_write.release(100);
    released = true;
  });
  EXPECT_EQ(weights, undisturbed());
  EXPECT_EQ(store->told.count(4), 0U) << "it came due meanwhile, and is left out";
  EXPECT_EQ(store->told.at(kSteps), "") << "the last one never is";

  const auto first = std::make_shared<MemoryStore>();
  first->files = {*store->files.begin()};
  first->may_write.release(100);
  Training resumed;
  int64_t begun_at = -1;
  resumed.fit({first, 0, 0.0, true}, [&] {
    if (begun_at < 0) begun_at = resumed.compiled->step() - 1;
  });
  EXPECT_EQ(begun_at, 2);
  EXPECT_EQ(resumed.weights(), weights);
}

TEST(TrainingState, a_strict_stores_checkpoints_are_all_written) {
  const auto store = std::make_shared<MemoryStore>();
  std::thread slow_disk([&] {
    for (int i = 0; i < 4; ++i) {
      if (!store->writing.try_acquire_for(MemoryStore::kLong)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(70));
      store->may_write.release();
    }
  });
  Training().fit({store, 3});
  slow_disk.join();
  EXPECT_EQ(steps_told(*store), (std::vector<int64_t>{3, 6, 9, kSteps}));
}

TEST(TrainingState, a_failed_write_ends_a_strict_training_at_the_next_checkpoint) {
  const auto store = std::make_shared<MemoryStore>();
  store->failing = true;
  store->may_write.release(100);
  Training t;
  EXPECT_THROW(t.fit({store, 3}), IoError);
  EXPECT_EQ(t.compiled->step(), 6);
  EXPECT_EQ(t.fit({}).size(), undisturbed().size());  // the model is usable
}

TEST(TrainingState, a_failed_last_write_is_the_end_of_fits_error) {
  const auto store = std::make_shared<MemoryStore>();
  store->failing = true;
  store->may_write.release(100);
  Training t;
  try {
    t.fit({store});
    FAIL() << "no error";
  } catch (const IoError& e) {
    EXPECT_THAT(e.what(), HasSubstr("no space in memory"));
  }
  EXPECT_EQ(t.weights(), undisturbed());
}

TEST(TrainingState, training_goes_on_without_what_a_store_that_is_not_strict_could_not_write) {
  const auto store = std::make_shared<MemoryStore>(/*strict=*/false);
  store->failing = true;
  store->may_write.release(100);
  EXPECT_EQ(Training().fit({store, 1}), undisturbed());
  EXPECT_THAT(store->told.at(kSteps), HasSubstr("no space in memory"));
}

TEST(TrainingState, two_interrupts_end_the_wait_for_the_last_checkpoint) {
  const auto store = std::make_shared<MemoryStore>();
  struct Interrupted {};
  int interrupts = 0;
  const auto interrupt = [&] {
    if (interrupts == 0 && !store->writing.try_acquire()) return;
    ++interrupts;
    throw Interrupted();
  };
  EXPECT_THROW(Training().fit({store}, interrupt), Interrupted);
  EXPECT_EQ(interrupts, 2);
  EXPECT_TRUE(store->abandoned);
  EXPECT_TRUE(store->files.empty());
}

TEST(TrainingState, by_time_checkpoints_come_besides_the_end_of_the_epoch) {
  const auto store = std::make_shared<MemoryStore>();
  store->may_write.release(100);
  EXPECT_EQ(Training().fit({store, 0, 1e-9}), undisturbed());
  EXPECT_GT(store->told.size(), 1U);
  Training t;
  EXPECT_THROW(t.fit({store, 0, -1.0}), Error);
  EXPECT_THROW(t.fit({store, 0, std::numeric_limits<double>::quiet_NaN()}), Error);
  EXPECT_THROW(t.fit({store, -1}), Error);
}

}  // namespace
}  // namespace andiron::train
