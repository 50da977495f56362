#pragma once

#include <map>
#include <memory>
#include <string>

#include "andiron/base/error.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/metrics/means.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/train/checkpoint_store.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/dataset_source.hpp"
#include "andiron/train/trainer.hpp"

/// A training small enough to be resumed thousands of times a minute.
namespace andiron::fuzz {

/// Files in memory, read without their checksums.
class Files : public train::CheckpointStore {
 public:
  const std::string& place() const override { return place_; }
  Result<> open() override { return success(); }
  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files) names.push_back(name);
    return names;
  }
  Result<> write(const std::string& name, const io::NamedTensors& tensors,
                 const io::Metadata& metadata) override {
    files[name] = io::safetensors_bytes(tensors, metadata);
    return success();
  }
  Result<io::TensorFile> read(const std::string& name) override {
    return io::parse_safetensors(
        std::string_view(files.at(name)), name,
        {io::ReadOptions::Memory::copied, io::ReadOptions::Checksum::ignored});
  }
  Result<> remove(const std::string& name) override {
    files.erase(name);
    return success();
  }

  std::map<std::string, std::string> files;

 private:
  std::string place_ = "memory";
};

/// Two epochs of two steps with Adam, and a metric.
struct Training {
  Training() {
    nn::set_random_seed(3);
    const auto x = nn::Input({2}, {.name = "x"});
    compiled = std::make_shared<nn::CompiledModel>(
        nn::Model(x, nn::Dense(1)(x)), nn::CompileOptions{.optimizer = nn::Adam({{}, 0.05}),
                                                          .losses = {nn::MeanSquaredError()},
                                                          .predictions_in_training = true,
                                                          .plan = {.threads = 1}});
    const Tensor rows = Tensor::full(DType::f32, {4, 2}, 0.5),
                 y = Tensor::full(DType::f32, {4, 1}, 1);
    auto dataset = std::make_shared<train::ArrayDataset>(
        train::ArrayData{{{"x", rows}}, {{"y", y}}, {}},
        train::DataOptions{.batch_size = 2, .shuffle = true, .seed = 1});
    source = std::make_unique<train::DatasetSource>(dataset, std::vector<Tensor>{rows, y});
    trainer = std::make_unique<train::Trainer>(
        compiled, std::vector<train::OutputMetric>{
                      {.name = "mae", .metric = std::make_shared<metrics::MeanAbsoluteError>()}});
  }
  void fit(const train::CheckpointStorePtr& store, bool resume) {
    trainer->fit(*source, {.epochs = 2, .checkpoint = {store, 1, 0.0, resume}});
  }

  std::shared_ptr<nn::CompiledModel> compiled;
  std::unique_ptr<train::DatasetSource> source;
  std::unique_ptr<train::Trainer> trainer;
};

/// The bytes of a checkpoint in the middle of the training.
inline std::string good_checkpoint() {
  const auto store = std::make_shared<Files>();
  Training().fit(store, false);
  return store->files.begin()->second;
}

}  // namespace andiron::fuzz
