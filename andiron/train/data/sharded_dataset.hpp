#pragma once

#include <memory>
#include <vector>

#include "andiron/train/data/dataset.hpp"
#include "andiron/train/data/quotas.hpp"

namespace andiron::train {

/// One worker's part of the batches of a data-parallel training. The samples of all workers lie in
/// shards; every batch takes from each shard in proportion to its size (Quotas), in an order of the
/// shard's own that is drawn by seed, epoch and shard. So batches do not depend on which worker has
/// which shards, nor on how many workers there are.
class ShardedDataset : public Dataset {
 public:
  struct Shard {
    int64_t index = 0;  ///< among all shards
    std::shared_ptr<Dataset> data;
  };
  /// `sizes`: the samples of every shard, of all workers. `fields`: of the batches, for a worker
  /// without samples. options.batch_size is that of all workers together; the shards' own batch
  /// size does not matter, their shuffle and seed do.
  ShardedDataset(std::vector<Shard> shards, std::vector<int64_t> sizes, std::vector<Field> fields,
                 DataOptions options);

  /// No batch has more rows of this worker.
  int64_t capacity() const { return capacity_; }

  int64_t rows_of(int64_t index) const override;
  BatchBuffer make_buffer() const override;
  /// A batch of which this worker has nothing is one row of zeros whose share is 0.
  bool fill(int64_t epoch, int64_t index, BatchBuffer& out,
            const std::atomic<bool>* stop = nullptr) override;

 protected:
  void gather(std::span<const int64_t>, int64_t, BatchBuffer&, int64_t) override;

 private:
  // This worker's rows between two states of the shards.
  int64_t mine(const std::vector<int64_t>& begin, const std::vector<int64_t>& end) const;
  int64_t first_of(int64_t index) const;

  std::vector<Shard> shards_;
  Quotas quotas_;
  int64_t capacity_ = 1;
  // What each shard has had when the batch that was filled last ended, at place `ended_`.
  std::vector<int64_t> end_;
  int64_t ended_ = -1;
};

}  // namespace andiron::train
