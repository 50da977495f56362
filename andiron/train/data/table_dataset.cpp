#include "andiron/train/data/table_dataset.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/train/data/spilled_dataset.hpp"

namespace andiron::train {

namespace {

class MemoryDataset : public Dataset {
 public:
  MemoryDataset(std::shared_ptr<const Table> table, RowGatherer rows, DataOptions options,
                int64_t first, int64_t n)
      : Dataset("data", options), table_(std::move(table)), rows_(std::move(rows)), first_(first) {
    for (const TableBlock& b : table_->blocks()) {
      if (b.rows > UINT32_MAX) fail("[data] a batch of {} rows is too long", b.rows);
      begins_.push_back(begins_.back() + b.rows);
    }
    // About four stretches of rows for each block: the block of a row is a step or two from that of
    // its stretch's first row.
    while ((table_->n_rows() >> shift_) > 4 * std::ssize(begins_)) ++shift_;
    uint32_t block = 0;
    for (int64_t row = 0; row < table_->n_rows(); row += int64_t{1} << shift_) {
      while (row >= begins_[block + 1]) ++block;
      stretches_.push_back(block);
    }
    rows_.set_blocks(table_->blocks());
    set_samples(rows_.fields(), n);
  }

  int n_ahead() const override { return cheap_to_fill() ? 0 : Dataset::n_ahead(); }

 protected:
  void gather(std::span<const int64_t> samples, int64_t, BatchBuffer& out, int64_t at) override {
    places_.resize(std::max(places_.size(), samples.size()));
    for (size_t i = 0; i < samples.size(); ++i) places_[i] = place_of(first_ + samples[i]);
    rows_.gather({places_.data(), samples.size()}, out.tensors(), at);
  }

 private:
  RowPlace place_of(int64_t row) const {
    if (!table_->order().empty()) row = table_->order()[static_cast<size_t>(row)];
    uint32_t block = stretches_[static_cast<size_t>(row >> shift_)];
    while (row >= begins_[block + 1]) ++block;
    return {block, static_cast<uint32_t>(row - begins_[block])};
  }

  std::shared_ptr<const Table> table_;
  RowGatherer rows_;
  int64_t first_;
  std::vector<int64_t> begins_ = {0};  // of the blocks, and the end
  std::vector<uint32_t> stretches_;
  int shift_ = 0;
  std::vector<RowPlace> places_;
};

}  // namespace

std::shared_ptr<Dataset> make_dataset(std::shared_ptr<const Table> table,
                                      std::vector<TableField> fields, DataOptions options,
                                      int64_t first, int64_t n) {
  if (n < 0) n = table->n_rows() - first;
  ANDIRON_ASSERT(first >= 0 && first + n <= table->n_rows());
  RowGatherer rows(std::move(fields), table->columns());
  if (table->spill() != nullptr)
    return std::make_shared<SpilledDataset>(std::move(table), std::move(rows), options, first, n);
  return std::make_shared<MemoryDataset>(std::move(table), std::move(rows), options, first, n);
}

uint64_t digest_of(const Table& table, int64_t first, int64_t n) {
  const TableDigest& d = table.digest();
  uint64_t digest = mix_key(d.content.high, d.content.low);
  if (!table.by_content()) digest = mix_key(digest, d.sequence);
  digest = mix_key(digest, mix_key(static_cast<uint64_t>(first), static_cast<uint64_t>(n)));
  if (table.spill() == nullptr) return digest;
  return mix_key(digest, static_cast<uint64_t>(table.spill()->rows_per_block()));
}

}  // namespace andiron::train
