#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "andiron/base/error.hpp"
#include "andiron/nn/constraint.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/train/checkpoint_store.hpp"
#include "andiron/train/data_parallel_testing.hpp"

// Updates from several batches, by one process and by several.
namespace andiron::train {
namespace {

constexpr int64_t kSteps = 3;

nn::OptimizerPtr decaying_adam() {
  nn::AdamOptions o;
  o.learning_rate = nn::ExponentialDecay(0.05, 3, 0.5);
  o.epsilon = 1e-3;
  o.weight_decay = 0.01;
  return nn::Adam(o);
}
nn::OptimizerPtr groups() {
  nn::SGDOptions o;
  o.learning_rate = 0.3;
  return nn::OptimizerGroups({{"embedding", adam()}, {"", nn::SGD(o)}});
}

nn::OptimizerPtr accumulating(MakeOptimizer make) {
  nn::OptimizerPtr optimizer = make();
  optimizer->set_gradient_accumulation_steps(kSteps);
  return optimizer;
}

using Case = std::pair<const char*, MakeOptimizer>;
class Accumulation : public testing::TestWithParam<std::tuple<Case, int>> {};

INSTANTIATE_TEST_SUITE_P(
    all, Accumulation,
    testing::Combine(testing::Values(Case{"adam", adam}, Case{"lazy_adam", lazy_adam},
                                     Case{"sgd", clipped_momentum}, Case{"decay", decaying_adam},
                                     Case{"groups", groups}),
                     testing::Values(0, 1, 2, 3, 7)),
    [](const auto& info) {
      return std::string(std::get<0>(info.param).first) + "_" +
             std::to_string(std::get<1>(info.param));
    });

// An epoch of 131 samples: batches of 24 and a last one of 11, updates by 72 and 59 samples.
TEST_P(Accumulation, equals_batches_that_are_as_many_times_as_large) {
  const auto& [optimizer, n] = GetParam();
  Worker large(optimizer.second(), {}, kSteps * kBatch);
  large.trainer->fit(*large.source, large.options(4));
  const std::vector<double> want = large.weights();

  std::vector<std::unique_ptr<Worker>> workers;
  if (n == 0) {  // without workers
    workers.push_back(std::make_unique<Worker>(accumulating(optimizer.second)));
    workers[0]->trainer->fit(*workers[0]->source, workers[0]->options(4));
  } else {
    workers = train(
        optimizer.second, n, [](Worker& w, int) { w.trainer->fit(*w.source, w.options(4)); },
        kSteps);
  }
  for (const auto& w : workers) {
    EXPECT_EQ(w->compiled->step(), large.compiled->step());
    EXPECT_EQ(w->weights(), workers[0]->weights()) << "workers differ";
    for (const char* name : {"val_loss", "val_auc"})
      EXPECT_NEAR(*find(w->trainer->history().logs.back(), name),
                  *find(large.trainer->history().logs.back(), name), 2e-4);
  }
  const std::vector<double> got = workers[0]->weights();
  for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 3e-5) << i;
}

// Broken after each batch of the first epochs, in the middle of an update, too.
TEST(AccumulationResumes, with_the_same_bits_wherever_it_broke) {
  for (const int n : {1, 2}) {
    const auto undisturbed = train(
        adam, n, [](Worker& w, int) { w.trainer->fit(*w.source, w.options(3, false)); }, kSteps);
    for (const int at : {1, 4, 5, 8, 11, 14}) {
      const std::string folder = testing::TempDir() + "andiron_accumulation";
      std::filesystem::remove_all(folder);
      const auto fit = [&](Worker& w, int r, bool breaks) {
        FitOptions o = w.options(3, false);
        o.checkpoint = {folder_store(folder), 1, 0.0, !breaks};
        int batches = 0;
        if (breaks)
          o.between_steps = [&batches, r, at] {
            if (r == 0 && ++batches == at) throw Error("broken");
          };
        w.trainer->fit(*w.source, o);
      };
      train(
          adam, n, [&](Worker& w, int r) { EXPECT_THROW(fit(w, r, true), std::exception); },
          kSteps);
      const auto resumed = train(adam, n, [&](Worker& w, int r) { fit(w, r, false); }, kSteps);
      EXPECT_EQ(resumed[0]->weights(), undisturbed[0]->weights()) << "broken after batch " << at;
    }
  }
}

nn::ModelPtr small_model(const nn::Constraint& constraint = {}) {
  nn::set_random_seed(1);
  const auto x = nn::Input({3}, {.name = "x"});
  return nn::Model(x, nn::Dense(2, {.kernel_constraint = constraint})(x));
}

struct Small {
  explicit Small(int64_t steps, const nn::Constraint& constraint = {}) {
    nn::SGDOptions o;
    o.learning_rate = 0.5;
    o.gradient_accumulation_steps = steps;
    optimizer = nn::SGD(o);
    compiled = std::make_shared<nn::CompiledModel>(
        small_model(constraint),
        nn::CompileOptions{.optimizer = optimizer, .losses = {nn::MeanSquaredError()}});
  }
  std::vector<double> weights() const {
    std::vector<double> out;
    for (const VariablePtr& v : compiled->model()->variables())
      for (int64_t i = 0; i < v->value().count(); ++i) out.push_back(v->value().item(i));
    return out;
  }
  nn::OptimizerPtr optimizer;
  std::shared_ptr<nn::CompiledModel> compiled;
};

Tensor wave(Sizes sizes, double phase) {
  Tensor t(DType::f32, std::move(sizes));
  for (int64_t i = 0; i < t.count(); ++i)
    t.data<float>()[i] = static_cast<float>(std::sin(phase + 0.9 * static_cast<double>(i)));
  return t;
}

nn::Batch rows(const nn::Batch& all, int64_t begin, int64_t end) {
  return {{all.x[0].rows(begin, end)}, {all.y[0].rows(begin, end)}};
}

TEST(AccumulatedUpdate, is_the_mean_over_samples_with_constraints_after_it) {
  const nn::Batch all{{wave({10, 3}, 0.1)}, {wave({10, 2}, 0.5)}};
  for (const nn::Constraint& constraint : {nn::Constraint{}, nn::MaxNorm(0.7)}) {
    Small whole(1, constraint), parts(4, constraint);
    whole.compiled->train_on_batch(all);
    const std::vector<double> before = parts.weights();
    // Sizes of 5, 1 and 4, and an end before the fourth batch.
    for (const auto& [begin, end] : {std::pair{0, 5}, std::pair{5, 6}, std::pair{6, 10}}) {
      parts.compiled->train_on_batch(rows(all, begin, end));
      EXPECT_TRUE(parts.compiled->in_update());
      EXPECT_EQ(parts.weights(), before);
      EXPECT_EQ(parts.compiled->step(), 0);
    }
    parts.compiled->finish_update();
    EXPECT_EQ(parts.compiled->step(), 1);
    EXPECT_FALSE(parts.compiled->in_update());
    const std::vector<double> want = whole.weights(), got = parts.weights();
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-6);
    parts.compiled->finish_update();  // nothing waits
    EXPECT_EQ(parts.compiled->step(), 1);
  }
}

TEST(AccumulatedUpdate, forgets_batches_that_were_dropped) {
  const nn::Batch all{{wave({6, 3}, 0.1)}, {wave({6, 2}, 0.5)}};
  Small dropped(2), other(2);
  dropped.compiled->train_on_batch(rows(all, 0, 3));
  dropped.compiled->drop_update();
  for (Small* s : {&dropped, &other}) {
    s->compiled->train_on_batch(rows(all, 2, 4));
    s->compiled->train_on_batch(rows(all, 4, 6));
    EXPECT_EQ(s->compiled->step(), 1);
  }
  EXPECT_EQ(dropped.weights(), other.weights());
}

TEST(AccumulatedUpdate, draws_other_numbers_for_each_batch) {
  nn::set_random_seed(1);
  const auto x = nn::Input({64}, {.name = "x"});
  nn::SGDOptions o;
  o.gradient_accumulation_steps = 2;
  nn::CompiledModel compiled(nn::Model(x, nn::Dropout(0.5)(nn::Dense(64)(x))),
                             nn::CompileOptions{.optimizer = nn::SGD(o),
                                                .losses = {nn::MeanSquaredError()},
                                                .predictions_in_training = true});
  const nn::Batch batch{{wave({1, 64}, 0.1)}, {wave({1, 64}, 0.5)}};
  std::vector<std::vector<bool>> masks;
  for (int i = 0; i < 4; ++i) {
    const Tensor y = compiled.train_on_batch(batch).predictions[0];
    masks.emplace_back();
    for (int64_t k = 0; k < y.count(); ++k) masks.back().push_back(y.item(k) == 0.0);
  }
  for (size_t i = 0; i < masks.size(); ++i)
    for (size_t k = 0; k < i; ++k) EXPECT_NE(masks[i], masks[k]);
}

TEST(AccumulatedUpdate, wants_losses_that_are_means_and_one_number_for_all_groups) {
  nn::SGDOptions o;
  o.gradient_accumulation_steps = 2;
  const auto compile = [&](nn::LossPtr loss) {
    nn::CompiledModel(small_model(), {.optimizer = nn::SGD(o), .losses = {std::move(loss)}});
  };
  EXPECT_NO_THROW(compile(nn::MeanSquaredError()));
  EXPECT_THROW(compile(nn::MeanSquaredError({.reduction = nn::Reduction::sum})), Error);
  EXPECT_THROW(nn::OptimizerGroups({{"kernel", nn::SGD(o)}, {"", nn::Adam()}}), Error);
  o.gradient_accumulation_steps = 0;
  EXPECT_THROW(nn::SGD(o), Error);
  EXPECT_THROW(nn::RandomSearch()->set_gradient_accumulation_steps(2), Error);
}

}  // namespace
}  // namespace andiron::train
