#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "andiron/train/data/dataset.hpp"

namespace andiron::train {

/// Where a training run stands in its data: what a checkpoint stores.
struct DataPosition {
  int64_t epoch = 0, batch = 0;  ///< the next batch
  uint64_t seed = 0;
  int64_t n_samples = 0, batch_size = 0;  ///< restoring needs the same

  friend bool operator==(const DataPosition&, const DataPosition&) = default;
};

/// Walks a dataset epoch by epoch. A background thread fills batches ahead into a bounded ring of
/// buffers; after the first round nothing is allocated per batch. What the thread throws, `next`
/// throws. Destruction stops the thread within milliseconds, also in the middle of a batch.
/// Thread safety: one consumer. The thread starts with the first `next`.
class BatchStream {
 public:
  /// `n_ahead` batches are prepared in the background; with 0, `next` itself fills.
  explicit BatchStream(std::shared_ptr<Dataset> dataset, int n_ahead = 2);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  Dataset& dataset() { return *dataset_; }
  /// The next batch, valid until the following call; null at the end of an epoch, after which the
  /// next epoch follows.
  const BatchBuffer* next();

  DataPosition position() const;
  /// The stream goes on as it would have from there. Throws Error when the position belongs to
  /// another number of samples, batch size or seed.
  void restore(const DataPosition& position);

 private:
  struct Slot {
    BatchBuffer buffer;
    std::exception_ptr error;
  };
  void start();
  void stop();
  void produce(int64_t epoch, int64_t batch);

  std::shared_ptr<Dataset> dataset_;
  std::vector<Slot> ring_;
  int64_t epoch_ = 0, batch_ = 0;

  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_: slot i % ring size is the consumer's from filled_ > i until released_ > i.
  uint64_t filled_ = 0, released_ = 0;
  bool holding_ = false;  // the consumer has a batch (consumer's side only)
};

}  // namespace andiron::train
