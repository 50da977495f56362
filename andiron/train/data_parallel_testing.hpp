#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/train/data_parallel.hpp"
#include "andiron/train/dataset_source.hpp"
#include "andiron/train/trainer.hpp"

/// A small recommender that one process or several workers train, on shards of every kind.
namespace andiron::train {

/// The shards: uneven, empty, tiny; 131 samples in all.
inline const std::vector<int64_t> kSizes = {13, 0, 90, 7, 1, 20};
/// The small table has fewer rows than a step has samples, and more than some workers have.
inline constexpr int64_t kSmallTable = 22, kLargeTable = 3000, kBatch = 24;

/// The most samples that one of so many workers has in a batch; shard s is worker s % workers'.
int64_t capacity_of(int workers, int64_t batch);

using MakeOptimizer = nn::OptimizerPtr (*)();
nn::OptimizerPtr adam();
nn::OptimizerPtr lazy_adam();
nn::OptimizerPtr clipped_momentum();

/// A worker of `workers`, or, without a communicator, all of the training in one process.
struct Worker {
  explicit Worker(nn::OptimizerPtr optimizer,
                  std::shared_ptr<collective::Communicator> communicator = {},
                  int64_t batch = kBatch);

  std::vector<double> weights() const;
  FitOptions options(int64_t epochs, bool validates = true) const;

  std::shared_ptr<DataParallel> together;
  std::shared_ptr<nn::CompiledModel> compiled;
  std::unique_ptr<DatasetSource> source;
  std::unique_ptr<Trainer> trainer;
};

/// Runs fit on threads as ranks, each with a model of its own. `steps`: batches that an update adds
/// up.
std::vector<std::unique_ptr<Worker>> train(MakeOptimizer make, int n,
                                           const std::function<void(Worker&, int)>& fit,
                                           int64_t steps = 1);

}  // namespace andiron::train
