#pragma once

#include <cstdint>

#include "andiron/nn/compiled_model.hpp"

namespace andiron::train {

/// What a source is made of: its digest stands for all of it, and this is for words.
struct SourceParts {
  int64_t rows = 0, batch_size = 0;  ///< of all workers
  int64_t steps = 0;                 ///< that make an epoch; 0: all
  bool shuffle = false;
  uint64_t seed = 0;      ///< of the order; of one worker's shards: a sum
  uint64_t contents = 0;  ///< a digest of the rows; likewise
  bool sharded = false;
};

/// Where training gets its batches from. The batches of an epoch depend on the epoch's number
/// only, so that training can be resumed anywhere.
/// Thread safety: one thread at a time.
class BatchSource {
 public:
  /// For rows and batches of sources that learn them at the end of the epoch.
  static constexpr int64_t kUnknown = -1;

  virtual ~BatchSource() = default;
  /// Rows and batches of an epoch, or kUnknown; the last batch may be short.
  virtual int64_t rows() const = 0;
  virtual int64_t batches() const = 0;
  /// Of what the source is made of: training is not resumed on other data.
  virtual uint64_t digest() const = 0;
  virtual SourceParts parts() const { return {.rows = rows(), .contents = digest()}; }

  /// Begins an epoch, at a batch in its middle when a training is resumed.
  virtual void start(int64_t epoch, int64_t first_batch = 0) = 0;
  /// The next batch, valid until the next call; null at the end of the epoch.
  virtual const nn::Batch* next() = 0;
  /// The part of the samples of the latest batch, over all workers, that this one has; 0: it has
  /// none, and the batch only keeps the place.
  virtual double share() const { return 1.0; }
  /// Whether no epoch can follow, because what gave the batches has come to its end. Asked between
  /// epochs.
  virtual bool ended() { return false; }
  /// Ends an epoch early; threads of the source are gone after it.
  virtual void stop() {}
};

}  // namespace andiron::train
