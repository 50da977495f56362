#include "andiron/train/trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/metrics/means.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/train/callbacks.hpp"
#include "andiron/train/checkpoint_store.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/dataset_source.hpp"

namespace andiron::train {
namespace {

constexpr int64_t kRows = 50, kRowTables = 20;

// Ids with an embedding (exact Adam replays its rows), dropout and a dense layer.
struct Training {
  explicit Training(double rate = 0.01, bool shuffle = true, int64_t batch_size = 8) {
    nn::set_random_seed(3);
    const auto x = nn::Input({}, {.name = "id", .dtype = DType::i32});
    const auto h = nn::Dropout(0.2)(nn::Embedding(kRowTables, 4)(x));
    compiled = std::make_shared<nn::CompiledModel>(
        nn::Model(x, nn::Dense(1)(h)), nn::CompileOptions{.optimizer = nn::Adam({{}, rate}),
                                                          .losses = {nn::MeanSquaredError()},
                                                          .predictions_in_training = true});
    Tensor ids(DType::i32, {kRows}), y(DType::f32, {kRows, 1});
    for (int64_t i = 0; i < kRows; ++i) {
      ids.data<int32_t>()[i] = static_cast<int32_t>(i * 7 % kRowTables);
      y.data<float>()[i] = static_cast<float>(i * 7 % kRowTables % 3);
    }
    auto dataset = std::make_shared<ArrayDataset>(
        ArrayData{{{"id", ids}}, {{"y", y}}, {}},
        DataOptions{.batch_size = batch_size, .shuffle = shuffle, .seed = 1});
    source = std::make_unique<DatasetSource>(dataset, std::vector<Tensor>{ids, y});
    trainer = std::make_unique<Trainer>(
        compiled, std::vector<OutputMetric>{
                      {.name = "mae", .metric = std::make_shared<metrics::MeanAbsoluteError>()}});
  }

  std::vector<float> weights() {
    compiled->catch_up();
    std::vector<float> out;
    for (const VariablePtr& v : compiled->model()->variables())
      for (int64_t i = 0; i < v->value().count(); ++i)
        out.push_back(static_cast<float>(v->value().item(i)));
    return out;
  }

  std::shared_ptr<nn::CompiledModel> compiled;
  std::unique_ptr<DatasetSource> source;
  std::unique_ptr<Trainer> trainer;
};

std::string fresh_folder(const std::string& name) {
  const std::string folder = ::testing::TempDir() + "andiron_trainer_" + name;
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(Trainer, an_epochs_loss_is_the_mean_over_its_samples) {
  Training s(1e-20);  // nothing moves
  FitOptions options;
  options.validation = s.source.get();
  const History& history = s.trainer->fit(*s.source, options);
  const double* loss = find(history.logs[0], "val_loss");
  const double* mae = find(history.logs[0], "val_mae");
  ASSERT_TRUE(loss != nullptr && mae != nullptr);
  // By hand: predictions are what the model gives row by row.
  double squares = 0.0, absolutes = 0.0;
  s.source->start(0, 0);
  while (const nn::Batch* batch = s.source->next()) {
    const nn::StepResult& r = s.compiled->test_on_batch(*batch);
    for (int64_t i = 0; i < batch->y[0].count(); ++i) {
      const double e = batch->y[0].item(i) - r.predictions[0].item(i);
      squares += e * e / kRows;
      absolutes += std::abs(e) / kRows;
    }
  }
  EXPECT_NEAR(*loss, squares, 1e-5);
  EXPECT_NEAR(*mae, absolutes, 1e-5);
}

struct Broken {};

// Throws when it meets the step, and remembers the first one.
struct Breaks : Callback {
  explicit Breaks(int64_t step) : at(step) {}
  void on_train_batch_begin(int64_t) override {
    const int64_t step = trainer_->compiled().step();
    if (begun_at < 0) begun_at = step;
    if (step == at) throw Broken();
  }
  int64_t at, begun_at = -1;
};

TEST(Trainer, training_that_breaks_off_at_any_step_resumes_with_the_same_bits) {
  Training undisturbed;
  undisturbed.trainer->fit(*undisturbed.source, {.epochs = 4});
  const std::vector<float> expected = undisturbed.weights();
  const Logs figures = undisturbed.trainer->history().logs.back();

  for (int at = 1; at < 28; at += 3) {  // of 28 steps, 7 in an epoch
    const std::string folder = fresh_folder("resume");
    {
      Training first;
      FitOptions options{.epochs = 4, .checkpoint = {folder_store(folder), 2}};
      options.callbacks = {std::make_shared<Breaks>(at)};
      EXPECT_THROW(first.trainer->fit(*first.source, options), Broken);
    }
    Training second;
    const auto unbroken = std::make_shared<Breaks>(-1);
    FitOptions rest{.epochs = 4, .checkpoint = {folder_store(folder), 2, 0.0, true}};
    rest.callbacks = {unbroken};
    second.trainer->fit(*second.source, rest);
    // Whatever was being written when it broke off: no checkpoint is missing.
    EXPECT_EQ(unbroken->begun_at, std::max(at / 2 * 2, at / 7 * 7));
    EXPECT_EQ(second.weights(), expected) << "broken off at step " << at;
    EXPECT_EQ(second.trainer->history().logs.back(), figures);
    EXPECT_EQ(second.trainer->history().epoch.size(), 4U);
  }
}

TEST(Trainer, a_loss_that_is_not_finite_is_an_error_that_names_the_step) {
  Training s(1e30);
  try {
    s.trainer->fit(*s.source, {.epochs = 5});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("epoch 1, batch"), std::string::npos) << e.what();
  }
  Training t(1e30);
  EXPECT_EQ(t.trainer->fit(*t.source, {.epochs = 5, .on_nan = OnNan::stop}).epoch.size(), 1U);
}

// A callback that reports given figures through on_epoch_end of the one it wraps.
std::vector<int64_t> epochs_until_stop(EarlyStoppingOptions options,
                                       const std::vector<double>& losses) {
  Training s;
  EarlyStopping stop(std::move(options));
  stop.set_trainer(s.trainer.get());
  stop.on_train_begin();
  for (size_t e = 0; e < losses.size(); ++e) {
    stop.on_epoch_end(static_cast<int64_t>(e), {{"val_loss", losses[e]}});
    if (s.trainer->stopping()) return {static_cast<int64_t>(e), stop.best_epoch()};
  }
  return {-1, stop.best_epoch()};
}

TEST(EarlyStopping, keeps_kerass_rules) {
  using Epochs = std::vector<int64_t>;
  EXPECT_EQ(epochs_until_stop({.patience = 0}, {1.0, 0.9, 0.95}), (Epochs{2, 1}));
  EXPECT_EQ(epochs_until_stop({.patience = 2}, {1.0, 1.1, 1.2, 1.3}), (Epochs{2, 0}));
  EXPECT_EQ(epochs_until_stop({.patience = 2}, {1.0, 1.1, 0.9, 1.0, 1.0}), (Epochs{4, 2}));
  EXPECT_EQ(epochs_until_stop({.monitor = {.min_delta = 0.2}, .patience = 1}, {1.0, 0.9, 0.8}),
            (Epochs{1, 0}));
  EXPECT_EQ(epochs_until_stop({.patience = 1, .start_from_epoch = 2}, {1, 2, 3, 4}),
            (Epochs{3, 2}));
  EXPECT_EQ(epochs_until_stop({.patience = 1, .baseline = 0.5}, {1.0, 0.9, 0.8}), (Epochs{-1, 2}));
}

std::string message_of(Trainer& trainer, BatchSource& data, const FitOptions& options) {
  try {
    trainer.fit(data, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Trainer, weights_that_are_not_finite_are_told_from_bad_data) {
  Training s(1e30);
  EXPECT_NE(message_of(*s.trainer, *s.source, {.epochs = 9}).find("the loss became"),
            std::string::npos);
  const int64_t since = s.compiled->step();
  const std::string again = message_of(*s.trainer, *s.source, {});
  EXPECT_NE(again.find(fmt::format("since step {} of an earlier fit", since)), std::string::npos)
      << again;
  EXPECT_NE(again.find("the data are not to blame"), std::string::npos);
  EXPECT_EQ(s.compiled->step(), since);
  // Good weights alone do not help where the optimizer remembers.
  for (const VariablePtr& v : s.compiled->model()->variables())
    v->assign(Tensor::zeros(v->value().dtype(), v->value().sizes()));
  EXPECT_NE(message_of(*s.trainer, *s.source, {}).find("the optimizer's state holds"),
            std::string::npos);
  EXPECT_EQ(message_of(*s.trainer, *s.source, {.on_nan = OnNan::proceed}), "");
  Training fresh;  // weights that came so from a file
  fresh.compiled->model()->variables()[1]->assign(Tensor::full(DType::f32, {4, 1}, NAN));
  EXPECT_NE(message_of(*fresh.trainer, *fresh.source, {}).find("already before this fit"),
            std::string::npos);
}

TEST(Trainer, a_last_step_that_breaks_the_weights_is_an_error) {
  const auto one_step = [] { return Training(1e39, true, kRows); };
  Training s = one_step();
  const std::string message = message_of(*s.trainer, *s.source, {});
  EXPECT_NE(message.find("NaN or infinity after the last step, 1 ("), std::string::npos) << message;
  EXPECT_TRUE(std::isfinite(s.trainer->history().logs.at(0)[0].second));
  EXPECT_NE(message_of(*s.trainer, *s.source, {}).find("since step 1 of an earlier fit"),
            std::string::npos);
  for (const OnNan on_nan : {OnNan::stop, OnNan::proceed}) {
    Training t = one_step();
    EXPECT_EQ(message_of(*t.trainer, *t.source, {.on_nan = on_nan}), "");
  }
}

TEST(Callbacks, figures_of_a_validation_that_is_not_made_are_asked_for_at_the_start) {
  const auto nothing = [](const std::string&, bool) {};
  const CallbackPtr stop = std::make_shared<EarlyStopping>(EarlyStoppingOptions{});
  const CallbackPtr best = std::make_shared<ModelCheckpoint>(
      ModelCheckpointOptions{.filepath = "m", .save_best_only = true}, nothing);
  const CallbackPtr named = std::make_shared<ModelCheckpoint>(
      ModelCheckpointOptions{.filepath = "m-{val_loss}"}, nothing);
  const CallbackPtr each = std::make_shared<ModelCheckpoint>(
      ModelCheckpointOptions{.filepath = "m", .save_best_only = true, .save_freq = 2}, nothing);
  for (const CallbackPtr& callback : {stop, best, named}) {
    Training s;
    const std::string message = message_of(*s.trainer, *s.source, {.callbacks = {callback}});
    EXPECT_NE(message.find("val_loss"), std::string::npos) << message;
    EXPECT_NE(message.find("validation_data"), std::string::npos) << message;
    EXPECT_EQ(s.compiled->step(), 0);
  }
  Training s;
  FitOptions options{.epochs = 4, .validation = s.source.get(), .callbacks = {each}};
  EXPECT_NE(message_of(*s.trainer, *s.source, options).find("figures of the training only"),
            std::string::npos);
  options.validation_freq = 2;  // epochs without validation are passed over
  options.callbacks = {stop, best};
  EXPECT_EQ(message_of(*s.trainer, *s.source, options), "");
  options.callbacks = {named};
  EXPECT_NE(message_of(*s.trainer, *s.source, options).find("not in every epoch"),
            std::string::npos);
}

TEST(EarlyStopping, brings_the_best_weights_back) {
  Training s;
  EarlyStopping stop({.patience = 5, .restore_best_weights = true});
  stop.set_trainer(s.trainer.get());
  stop.on_train_begin();
  stop.on_epoch_end(0, {{"val_loss", 1.0}});
  const std::vector<float> best = s.weights();
  s.trainer->fit(*s.source, {.epochs = 1});
  EXPECT_NE(s.weights(), best);
  stop.on_epoch_end(1, {{"val_loss", 2.0}});
  stop.on_train_end({});
  EXPECT_EQ(s.weights(), best);
}

TEST(ModelCheckpoint, names_files_by_epoch_and_figures) {
  Training s;
  std::vector<std::string> saved;
  ModelCheckpoint checkpoint({.filepath = "m-{epoch:02d}-{val_loss:.2f}", .save_best_only = true},
                             [&](const std::string& path, bool) { saved.push_back(path); });
  checkpoint.set_trainer(s.trainer.get());
  for (int e = 0; e < 4; ++e) checkpoint.on_epoch_end(e, {{"val_loss", e == 2 ? 2.0 : 1.0 - e}});
  EXPECT_EQ(saved, (std::vector<std::string>{"m-01-1.00", "m-02-0.00", "m-04--2.00"}));
  ModelCheckpoint wrong({.filepath = "{nothing}"}, [](const std::string&, bool) {});
  wrong.set_trainer(s.trainer.get());
  EXPECT_THROW(wrong.on_epoch_end(0, {{"val_loss", 1.0}}), Error);
}

TEST(ProgressBar, writes_epochs_and_figures) {
  Training s;
  std::string text;
  auto bar = std::make_shared<ProgressBar>(2, [&](const std::string& part) { text += part; });
  s.trainer->fit(*s.source, {.epochs = 2, .callbacks = {bar}});
  EXPECT_NE(text.find("Epoch 2/2 - 7/7 - "), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;  // a line for each epoch
  EXPECT_NE(text.find("7/7"), std::string::npos) << text;
  EXPECT_NE(text.find("mae: "), std::string::npos) << text;
}

}  // namespace
}  // namespace andiron::train
