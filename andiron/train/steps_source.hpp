#pragma once

#include <memory>

#include "andiron/train/batch_source.hpp"

namespace andiron::train {

/// Epochs of at most so many batches, as Keras's steps_per_epoch has them: each goes on where the
/// one before ended. One that comes to the end of the data is shorter, and the next begins anew, in
/// the source's next order. With `from_the_start`, every epoch has the first batches instead.
class StepsSource : public BatchSource {
 public:
  /// Throws Error unless there is a batch and `steps` is positive.
  StepsSource(std::shared_ptr<BatchSource> source, int64_t steps, bool from_the_start);

  int64_t rows() const override;
  /// Of an epoch that does not come to the end of the data.
  int64_t batches() const override { return steps_; }
  uint64_t digest() const override;
  SourceParts parts() const override;
  void start(int64_t epoch, int64_t first_batch = 0) override;
  const nn::Batch* next() override;
  double share() const override { return source_->share(); }
  void stop() override { source_->stop(); }

 private:
  std::shared_ptr<BatchSource> source_;
  int64_t steps_;
  bool from_the_start_;
  int64_t left_ = 0;  // batches to come in the epoch
};

}  // namespace andiron::train
