#include "andiron/train/data/batch_stream.hpp"

#include <utility>

#include "andiron/base/error.hpp"

namespace andiron::train {

BatchStream::BatchStream(std::shared_ptr<Dataset> dataset, int n_ahead)
    : dataset_(std::move(dataset)) {
  if (n_ahead < 0 || n_ahead > 1000)
    fail("[batches] n_ahead must be in [0, 1000]; got {}", n_ahead);
  // One more than ahead: the batch that the consumer holds.
  ring_.resize(static_cast<size_t>(n_ahead) + 1);
}

BatchStream::~BatchStream() { stop(); }

void BatchStream::start() {
  for (Slot& slot : ring_)
    if (slot.buffer.tensors().empty()) slot.buffer = dataset_->make_buffer();
  stopping_ = false;
  filled_ = released_ = 0;
  holding_ = false;
  for (Slot& slot : ring_) slot.error = nullptr;
  thread_ = std::thread([this, epoch = epoch_, batch = batch_] { produce(epoch, batch); });
}

void BatchStream::stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BatchStream::produce(int64_t epoch, int64_t batch) {
  for (uint64_t i = 0;; ++i) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || i - released_ < ring_.size(); });
      if (stopping_) return;
    }
    Slot& slot = ring_[i % ring_.size()];
    try {
      if (!dataset_->fill(epoch, batch, slot.buffer, &stopping_)) return;
    } catch (...) {
      slot.error = std::current_exception();
    }
    const bool failed = slot.error != nullptr;
    {
      std::lock_guard lock(mutex_);
      filled_ = i + 1;
    }
    changed_.notify_all();
    if (failed) return;
    if (++batch == dataset_->n_batches()) {
      batch = 0;
      ++epoch;
    }
  }
}

const BatchBuffer* BatchStream::next() {
  if (batch_ == dataset_->n_batches()) {
    batch_ = 0;
    ++epoch_;
    return nullptr;
  }
  if (ring_.size() == 1) {  // nothing ahead
    if (ring_[0].buffer.tensors().empty()) ring_[0].buffer = dataset_->make_buffer();
    dataset_->fill(epoch_, batch_, ring_[0].buffer);
    ++batch_;
    return &ring_[0].buffer;
  }
  if (!thread_.joinable()) start();
  std::unique_lock lock(mutex_);
  if (std::exchange(holding_, false)) {
    ++released_;
    changed_.notify_all();
  }
  changed_.wait(lock, [&] { return filled_ > released_; });
  Slot& slot = ring_[released_ % ring_.size()];
  if (slot.error) std::rethrow_exception(slot.error);
  holding_ = true;
  ++batch_;
  return &slot.buffer;
}

DataPosition BatchStream::position() const {
  return {epoch_, batch_, dataset_->options().seed, dataset_->n_samples(),
          dataset_->options().batch_size};
}

void BatchStream::restore(const DataPosition& p) {
  const DataPosition mine = position();
  if (p.seed != mine.seed || p.n_samples != mine.n_samples || p.batch_size != mine.batch_size)
    fail(
        "[batches] the position is of {} samples in batches of {} with seed {}; these are {} in "
        "batches of {} with seed {}",
        p.n_samples, p.batch_size, p.seed, mine.n_samples, mine.batch_size, mine.seed);
  if (p.epoch < 0 || p.batch < 0 || p.batch > dataset_->n_batches())
    fail("[batches] there is no batch {} in epoch {}: an epoch has {}", p.batch, p.epoch,
         dataset_->n_batches());
  stop();
  epoch_ = p.epoch;
  batch_ = p.batch;
}

}  // namespace andiron::train
