#include "andiron/train/data/sharded_dataset.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "andiron/base/error.hpp"

namespace andiron::train {

ShardedDataset::ShardedDataset(std::vector<Shard> shards, std::vector<int64_t> sizes,
                               std::vector<Field> fields, DataOptions options)
    : Dataset("sharded data", options), shards_(std::move(shards)), quotas_(std::move(sizes)) {
  for (const Shard& s : shards_) {
    if (s.index < 0 || s.index >= static_cast<int64_t>(quotas_.shards()))
      fail("[sharded data] there are {} shards; got shard {}", quotas_.shards(), s.index);
    if (s.data->fields().size() != fields.size())
      fail("[sharded data] shard {} has {} fields, others {}", s.index, s.data->fields().size(),
           fields.size());
  }
  set_samples(std::move(fields), quotas_.total());
  // A shard has its size times x, rounded, where x grows by at most (batch + shards) / samples.
  const int64_t batch = this->options().batch_size;
  const auto most = batch + static_cast<int64_t>(quotas_.shards());
  int64_t bound = 0;
  for (const Shard& s : shards_)
    bound += std::min(s.data->n_samples(), most * s.data->n_samples() / n_samples() + 2);
  capacity_ = std::max<int64_t>(1, std::min(bound, batch));
}

int64_t ShardedDataset::first_of(int64_t index) const {
  return std::min(index * options().batch_size, n_samples());
}

int64_t ShardedDataset::mine(const std::vector<int64_t>& begin,
                             const std::vector<int64_t>& end) const {
  int64_t rows = 0;
  for (const Shard& s : shards_)
    rows += end[static_cast<size_t>(s.index)] - begin[static_cast<size_t>(s.index)];
  return rows;
}

int64_t ShardedDataset::rows_of(int64_t index) const {
  return mine(quotas_.of_first(first_of(index)), quotas_.of_first(first_of(index + 1)));
}

BatchBuffer ShardedDataset::make_buffer() const {
  return BatchBuffer(fields(), capacity_, capacity_);
}

bool ShardedDataset::fill(int64_t epoch, int64_t index, BatchBuffer& out,
                          const std::atomic<bool>* stop) {
  // One batch begins where the one before ended.
  if (ended_ != first_of(index)) end_ = quotas_.of_first(first_of(index));
  const std::vector<int64_t> begin = std::exchange(end_, quotas_.of_first(first_of(index + 1)));
  ended_ = first_of(index + 1);
  const int64_t rows = mine(begin, end_);
  out.epoch = epoch;
  out.index = index;
  out.set_rows(std::max<int64_t>(rows, 1));
  out.share =
      static_cast<double>(rows) / static_cast<double>(first_of(index + 1) - first_of(index));
  if (rows == 0)
    for (const Tensor& t : out.tensors()) std::memset(t.raw(), 0, t.n_bytes());
  int64_t at = 0;
  for (const Shard& s : shards_) {
    const int64_t first = begin[static_cast<size_t>(s.index)];
    const int64_t n = end_[static_cast<size_t>(s.index)] - first;
    if (n == 0) continue;
    if (!s.data->read(epoch, first, n, out, at, stop)) return false;
    at += n;
  }
  return true;
}

void ShardedDataset::gather(std::span<const int64_t>, int64_t, BatchBuffer&, int64_t) {
  ANDIRON_ASSERT(false);  // shards gather
}

}  // namespace andiron::train
