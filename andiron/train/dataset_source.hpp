#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "andiron/train/batch_source.hpp"
#include "andiron/train/data/batch_stream.hpp"
#include "andiron/train/data/sharded_dataset.hpp"

namespace andiron::train {

/// A dataset as batches of a training; a thread in the background prepares them.
class DatasetSource : public BatchSource {
 public:
  /// `contents`: the tensors behind the dataset, for the digest.
  explicit DatasetSource(std::shared_ptr<Dataset> dataset, std::vector<Tensor> contents = {});
  /// `contents` is the digest of what is behind the dataset, asked for when it is needed.
  DatasetSource(std::shared_ptr<Dataset> dataset, std::function<uint64_t()> contents);

  const std::shared_ptr<Dataset>& dataset() const { return dataset_; }
  int64_t rows() const override { return dataset_->n_samples(); }
  int64_t batches() const override { return dataset_->n_batches(); }
  uint64_t digest() const override;
  SourceParts parts() const override;
  void start(int64_t epoch, int64_t first_batch) override;
  const nn::Batch* next() override;
  double share() const override { return share_; }
  void stop() override { stream_.reset(); }

 protected:
  /// Samples, batch size, seed.
  uint64_t digest_of_settings() const;

 private:
  uint64_t digest_of_contents() const;

  std::shared_ptr<Dataset> dataset_;
  std::function<uint64_t()> contents_;
  mutable std::optional<uint64_t> digested_;  // it takes a walk over the data
  std::unique_ptr<BatchStream> stream_;
  double share_ = 1.0;
};

/// One worker's part of the batches of several (see ShardedDataset). Its digest is a sum over its
/// shards, so that the sum of the workers' digests does not depend on who has which.
class ShardedSource final : public DatasetSource {
 public:
  /// `contents`: the digest of each of the worker's shards; `parts`: what they are made of.
  ShardedSource(std::shared_ptr<ShardedDataset> dataset,
                std::vector<std::function<uint64_t()>> contents,
                std::vector<std::function<SourceParts()>> parts = {});
  uint64_t digest() const override;
  SourceParts parts() const override;
  /// The most rows of a batch.
  int64_t capacity() const { return capacity_; }

 private:
  std::vector<std::function<uint64_t()>> contents_;
  std::vector<std::function<SourceParts()>> parts_;
  int64_t capacity_;
};

}  // namespace andiron::train
