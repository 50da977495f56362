// Memory that runs out at any allocation of a training: a clean error, and nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "andiron/base/error.hpp"
#include "andiron/io/file_testing.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/metrics/means.hpp"
#include "andiron/nn/model_file.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/predictor.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/tensor/allocated_bytes.hpp"
#include "andiron/tensor/allocation_fault.hpp"
#include "andiron/train/checkpoint_store.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/dataset_source.hpp"
#include "andiron/train/trainer.hpp"

namespace andiron::train {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kStride = 3;
#else
constexpr int64_t kStride = 1;
#endif
constexpr int64_t kRows = 20, kTable = 7;

// A table, normalization, dropout and a dense layer; six steps in two epochs, validation, a
// checkpoint after every second step.
struct Training {
  Training() {
    nn::set_random_seed(3);
    const auto x = nn::Input({}, {.name = "id", .dtype = DType::i32});
    const auto h = nn::Dropout(0.2)(nn::BatchNormalization()(nn::Embedding(kTable, 4)(x)));
    model = nn::Model(x, nn::Dense(1)(h));
    compiled = std::make_shared<nn::CompiledModel>(
        model, nn::CompileOptions{.optimizer = nn::Adam({{}, 0.01}),
                                  .losses = {nn::MeanSquaredError()},
                                  .predictions_in_training = true});
    Tensor ids(DType::i32, {kRows}), y(DType::f32, {kRows, 1});
    for (int64_t i = 0; i < kRows; ++i) {
      ids.data<int32_t>()[i] = static_cast<int32_t>(i * 3 % kTable);
      y.data<float>()[i] = static_cast<float>(i * 3 % kTable % 3);
    }
    auto dataset =
        std::make_shared<ArrayDataset>(ArrayData{{{"id", ids}}, {{"y", y}}, {}},
                                       DataOptions{.batch_size = 8, .shuffle = true, .seed = 1});
    source = std::make_unique<DatasetSource>(dataset, std::vector<Tensor>{ids, y});
    trainer = std::make_unique<Trainer>(
        compiled, std::vector<OutputMetric>{
                      {.name = "mae", .metric = std::make_shared<metrics::MeanAbsoluteError>()}});
  }

  void fit(const std::string& folder, bool resume = false) {
    FitOptions options{.epochs = 2, .checkpoint = {folder_store(folder), 2, 0.0, resume}};
    options.validation = source.get();
    trainer->fit(*source, options);
  }

  std::vector<double> weights() const {
    std::vector<double> out;
    for (const VariablePtr& v : model->variables())
      for (int64_t i = 0; i < v->value().count(); ++i) out.push_back(v->value().item(i));
    return out;
  }

  nn::ModelPtr model;
  std::shared_ptr<nn::CompiledModel> compiled;
  std::unique_ptr<DatasetSource> source;
  std::unique_ptr<Trainer> trainer;
};

struct Outcome {
  bool fault = false, failed = false;
  std::string words;
};

// Builds, trains, predicts and saves, while the allocation after `n` others fails. Whatever
// happens, what is left works.
Outcome train_with_fault(int64_t n, bool lasting, const std::vector<double>& expected) {
  const io::TemporaryFolder folder;
  const std::string saved = folder / "model.safetensors";
  Outcome outcome;
  std::unique_ptr<Training> t;
  {
    AllocationFault fault(n, lasting);
    try {
      t = std::make_unique<Training>();
      t->fit(folder / "checkpoints");
      (void)nn::Predictor(t->model).predict({Tensor::zeros(DType::i32, {3})});
      nn::save_model(*t->model, saved).value_or_throw();
    } catch (const Error& e) {
      outcome.failed = true;
      outcome.words = e.what();
    }
    outcome.fault = fault.happened();
  }
  if (!outcome.failed) {
    EXPECT_EQ(t->weights(), expected) << "n = " << n;
    return outcome;
  }
  EXPECT_THAT(outcome.words, testing::HasSubstr("out of memory")) << "n = " << n;
  // The checkpoints: a training that goes on from them ends like an undisturbed one.
  Training second;
  second.fit(folder / "checkpoints", std::filesystem::exists(folder / "checkpoints"));
  EXPECT_EQ(second.weights(), expected) << "n = " << n;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.path()))
    EXPECT_EQ(file.path().filename().string().find(".new-"), std::string::npos) << file.path();
  // The model: it has finite weights, and can be trained, used and saved.
  if (t == nullptr) return outcome;
  for (double w : t->weights()) EXPECT_TRUE(std::isfinite(w)) << "n = " << n;
  t->fit(folder / "again");
  (void)nn::Predictor(t->model).predict({Tensor::zeros(DType::i32, {3})});
  nn::save_model(*t->model, saved).value_or_throw();
  EXPECT_TRUE(nn::load_model(saved).ok());
  return outcome;
}

void fail_everywhere(bool lasting, int64_t stride) {
  std::vector<double> expected;
  {
    const io::TemporaryFolder folder;
    Training undisturbed;
    undisturbed.fit(folder.path());
    expected = undisturbed.weights();
  }
  int64_t n = 0;
  for (Outcome outcome{.fault = true}; outcome.fault; n += stride) {
    const int64_t before = allocated_bytes();
    outcome = train_with_fault(n, lasting, expected);
    EXPECT_EQ(allocated_bytes(), before) << "bytes that nobody owns";
    ASSERT_FALSE(::testing::Test::HasFailure()) << "at allocation " << n << ": " << outcome.words;
    ASSERT_LT(n, 20000);
  }
  EXPECT_GT(n, 100) << "allocations of a training";
}

TEST(AllocationFailures, one_at_each_place_of_a_training) { fail_everywhere(false, kStride); }

TEST(AllocationFailures, all_from_each_place_on) { fail_everywhere(true, 4 * kStride); }

}  // namespace
}  // namespace andiron::train
