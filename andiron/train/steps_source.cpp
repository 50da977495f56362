#include "andiron/train/steps_source.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"

namespace andiron::train {

StepsSource::StepsSource(std::shared_ptr<BatchSource> source, int64_t steps, bool from_the_start)
    : source_(std::move(source)),
      steps_(std::min(steps, source_->batches())),
      from_the_start_(from_the_start) {
  if (steps < 1) fail("[fit] the steps of an epoch must be at least 1; got {}", steps);
  if (steps_ < 1) fail("[data] is empty: 0 samples");
}

// What a progress bar counts.
int64_t StepsSource::rows() const { return source_->rows() * steps_ / source_->batches(); }

uint64_t StepsSource::digest() const {
  return mix_key(source_->digest(), static_cast<uint64_t>(steps_));
}

SourceParts StepsSource::parts() const {
  SourceParts parts = source_->parts();
  parts.steps = steps_;
  return parts;
}

void StepsSource::start(int64_t epoch, int64_t first_batch) {
  const int64_t whole = source_->batches();
  const int64_t epochs_of_pass = from_the_start_ ? 1 : (whole + steps_ - 1) / steps_;
  const int64_t at = epoch % epochs_of_pass * steps_;
  left_ = std::min(steps_, whole - at) - first_batch;
  source_->start(epoch / epochs_of_pass, at + first_batch);
}

const nn::Batch* StepsSource::next() { return left_-- > 0 ? source_->next() : nullptr; }

}  // namespace andiron::train
