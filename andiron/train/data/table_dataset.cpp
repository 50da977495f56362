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
    int64_t at = 0;
    for (const TableBlock& b : table_->blocks()) {
      if (b.rows > UINT32_MAX) fail("[data] a batch of {} rows is too long", b.rows);
      begins_.push_back(at);
      at += b.rows;
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
  RowPlace place_of(int64_t row) {
    if (!table_->order().empty()) row = table_->order()[static_cast<size_t>(row)];
    if (begins_.size() == 1) return {0, static_cast<uint32_t>(row)};
    // In order, the next row is mostly in the block of the last one.
    if (row < begins_[last_] || (last_ + 1 < begins_.size() && row >= begins_[last_ + 1]))
      last_ = static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), row) -
                                  begins_.begin()) -
              1;
    return {static_cast<uint32_t>(last_), static_cast<uint32_t>(row - begins_[last_])};
  }

  std::shared_ptr<const Table> table_;
  RowGatherer rows_;
  int64_t first_;
  std::vector<int64_t> begins_;
  size_t last_ = 0;
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
