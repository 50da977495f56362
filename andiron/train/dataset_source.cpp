#include "andiron/train/dataset_source.hpp"

#include "andiron/base/philox.hpp"
#include "andiron/io/crc32c.hpp"

namespace andiron::train {

DatasetSource::DatasetSource(std::shared_ptr<Dataset> dataset, std::vector<Tensor> contents)
    : DatasetSource(std::move(dataset), [contents = std::move(contents)] {
        uint64_t digest = 0;
        for (const Tensor& given : contents) {
          const Tensor t = given.contiguous();
          digest =
              mix_key(digest, io::crc32c({static_cast<const std::byte*>(t.raw()), t.n_bytes()}));
        }
        return digest;
      }) {}

DatasetSource::DatasetSource(std::shared_ptr<Dataset> dataset, std::function<uint64_t()> contents)
    : dataset_(std::move(dataset)), contents_(std::move(contents)) {}

uint64_t DatasetSource::digest_of_settings() const {
  const DataOptions& options = dataset_->options();
  uint64_t digest = mix_key(static_cast<uint64_t>(dataset_->n_samples()),
                            static_cast<uint64_t>(options.batch_size));
  return mix_key(digest, options.shuffle ? options.seed + 1 : 0);
}

uint64_t DatasetSource::digest_of_contents() const {
  if (!digested_) digested_ = contents_();
  return *digested_;
}

uint64_t DatasetSource::digest() const {
  return mix_key(digest_of_settings(), digest_of_contents());
}

SourceParts DatasetSource::parts() const {
  const DataOptions& options = dataset_->options();
  return {.rows = dataset_->n_samples(),
          .batch_size = options.batch_size,
          .shuffle = options.shuffle,
          .seed = options.shuffle ? options.seed : 0,
          .contents = digest_of_contents()};
}

ShardedSource::ShardedSource(std::shared_ptr<ShardedDataset> dataset,
                             std::vector<std::function<uint64_t()>> contents,
                             std::vector<std::function<SourceParts()>> parts)
    : DatasetSource(dataset),
      contents_(std::move(contents)),
      parts_(std::move(parts)),
      capacity_(dataset->capacity()) {}

SourceParts ShardedSource::parts() const {
  SourceParts sum = {.rows = dataset()->n_samples(),
                     .batch_size = dataset()->options().batch_size,
                     .sharded = true};
  for (const auto& shard : parts_) {
    const SourceParts p = shard();
    sum.shuffle |= p.shuffle;
    sum.seed += p.seed;
    sum.contents += p.contents;
  }
  return sum;
}

uint64_t ShardedSource::digest() const {
  const uint64_t settings = digest_of_settings();
  uint64_t sum = 0;
  for (const auto& content : contents_) sum += mix_key(settings, content());
  return sum;
}

void DatasetSource::start(int64_t epoch, int64_t first_batch) {
  stream_ = std::make_unique<BatchStream>(dataset_, dataset_->n_ahead());
  stream_->restore({.epoch = epoch,
                    .batch = first_batch,
                    .seed = dataset_->options().seed,
                    .n_samples = dataset_->n_samples(),
                    .batch_size = dataset_->options().batch_size});
}

const nn::Batch* DatasetSource::next() {
  if (stream_ == nullptr) return nullptr;
  const BatchBuffer* buffer = stream_->next();
  if (buffer == nullptr)
    stream_.reset();
  else
    share_ = buffer->share;
  return buffer == nullptr ? nullptr : &buffer->batch();
}

}  // namespace andiron::train
