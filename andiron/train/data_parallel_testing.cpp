#include "andiron/train/data_parallel_testing.hpp"

#include <algorithm>

#include "andiron/base/philox.hpp"
#include "andiron/collective/ranks_testing.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/metrics/metric.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/data/sharded_dataset.hpp"

namespace andiron::train {

int64_t capacity_of(int workers, int64_t batch) {
  const Quotas quotas(kSizes);
  int64_t most = 1;
  for (int64_t at = 0; at < quotas.total(); at += batch) {
    const auto begin = quotas.of_first(at);
    const auto end = quotas.of_first(std::min(at + batch, quotas.total()));
    std::vector<int64_t> rows(static_cast<size_t>(workers));
    for (size_t s = 0; s < kSizes.size(); ++s)
      rows[s % static_cast<size_t>(workers)] += end[s] - begin[s];
    most = std::max(most, *std::max_element(rows.begin(), rows.end()));
  }
  return most;
}

namespace {

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

}  // namespace

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

Worker::Worker(nn::OptimizerPtr optimizer, std::shared_ptr<collective::Communicator> communicator,
               int64_t batch) {
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
      mine, kSizes, shard(0)->fields(), DataOptions{.batch_size = batch, .shuffle = false});
  source = std::make_unique<ShardedSource>(dataset, contents);
  if (communicator)
    together = std::make_shared<DataParallel>(communicator, capacity_of(workers, batch));

  nn::set_random_seed(3);
  const auto a = nn::Input({}, {.name = "small", .dtype = DType::i32});
  const auto b = nn::Input({}, {.name = "large", .dtype = DType::i32});
  const auto h =
      nn::Concatenate()({nn::Embedding(kSmallTable, 4)(a), nn::Embedding(kLargeTable, 6)(b)});
  compiled = std::make_shared<nn::CompiledModel>(
      nn::Model(std::vector{a, b},
                std::vector{nn::Dense(1)(nn::Dense(5, {.activation = "tanh"})(h))}),
      nn::CompileOptions{.optimizer = std::move(optimizer),
                         .losses = {nn::BinaryCrossentropy({.from_logits = true})},
                         .predictions_in_training = true,
                         .plan = {.threads = 1},
                         .exchange = together,
                         .worker = rank});
  trainer = std::make_unique<Trainer>(
      compiled, std::vector<OutputMetric>{{.name = "auc", .metric = metrics::make_metric("auc")}});
}

std::vector<double> Worker::weights() const {
  std::vector<double> out;
  for (const VariablePtr& v : compiled->model()->variables())
    for (int64_t i = 0; i < v->value().count(); ++i) out.push_back(v->value().item(i));
  return out;
}

FitOptions Worker::options(int64_t epochs, bool validates) const {
  FitOptions o{.epochs = epochs};
  if (validates) o.validation = source.get();
  o.workers = together.get();
  return o;
}

std::vector<std::unique_ptr<Worker>> train(MakeOptimizer make, int n,
                                           const std::function<void(Worker&, int)>& fit,
                                           int64_t steps) {
  collective::Ranks ranks = collective::connect_ranks(n);
  std::vector<std::unique_ptr<Worker>> workers(static_cast<size_t>(n));
  // One after another: layers draw their first values from one stream.
  for (int r = 0; r < n; ++r) {
    nn::OptimizerPtr optimizer = make();
    optimizer->set_gradient_accumulation_steps(steps);
    workers[static_cast<size_t>(r)] = std::make_unique<Worker>(
        std::move(optimizer),
        std::shared_ptr<collective::Communicator>(std::move(ranks.all[static_cast<size_t>(r)])));
  }
  collective::on_ranks(n, [&](int r) { fit(*workers[static_cast<size_t>(r)], r); });
  return workers;
}

}  // namespace andiron::train
