#include "andiron/train/data/table.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

// Shares of the memory budget: a run takes an eighth while rows are written, twice that where it is
// sorted; an epoch reads windows of eight blocks (spilled_dataset.cpp).
constexpr int64_t kRunShare = 8, kBlockShare = 16;

}  // namespace

const TableDigest& Table::digest() const {
  std::call_once(digested_, [&] {
    if (spill_ != nullptr) return;  // known since the rows were written
    std::vector<RowHash> hashes;
    for (const TableBlock& block : blocks_) {
      hash_rows(columns_, block, hashes);
      digest_.add(hashes);
    }
  });
  return digest_;
}

std::vector<RowHash> Table::row_hashes() const {
  std::vector<RowHash> all, hashes;
  for (const TableBlock& block : blocks_) {
    hash_rows(columns_, block, hashes);
    all.insert(all.end(), hashes.begin(), hashes.end());
  }
  return all;
}

TableBuilder::TableBuilder(TableOptions options) : table_(std::make_shared<Table>()) {
  if (options.memory_budget < 0)
    fail("[data] memory_budget must not be negative; got {}", options.memory_budget);
  table_->options_ = std::move(options);
}

void TableBuilder::add(const std::vector<TableColumn>& columns, TableBlock block) {
  if (block.rows == 0) return;
  Table& t = *table_;
  if (t.columns_.empty()) t.columns_ = columns;
  if (t.columns_ != columns) fail("[data] a batch has other columns than those before it");
  t.n_rows_ += block.rows;
  if (t.spill_ != nullptr) return spill(block);
  n_bytes_ += block.n_bytes();
  t.blocks_.push_back(std::move(block));
  if (t.options_.memory_budget > 0 && n_bytes_ > t.options_.memory_budget) start_spill();
}

void TableBuilder::start_spill() {
  Table& t = *table_;
  int64_t row_bytes = t.options_.by_content ? static_cast<int64_t>(sizeof(RowHash)) : 0;
  for (const TableColumn& c : t.columns_) row_bytes += c.row_bytes();
  row_bytes = std::max<int64_t>(row_bytes, 1);
  SpillOptions options;
  options.folder = t.options_.spill_folder.empty() ? std::filesystem::temp_directory_path().string()
                                                   : t.options_.spill_folder;
  options.by_content = t.options_.by_content;
  options.rows_per_block = std::max<int64_t>(t.options_.memory_budget / kBlockShare / row_bytes, 1);
  options.rows_per_run = options.rows_per_block * (kBlockShare / kRunShare);
  t.spill_ = Spill::create(std::move(options), t.columns_).value_or_throw();
  for (TableBlock& block : t.blocks_) spill(std::exchange(block, {}));  // each freed when written
  t.blocks_.clear();
}

void TableBuilder::spill(const TableBlock& block) {
  Table& t = *table_;
  std::vector<RowHash> hashes;
  hash_rows(t.columns_, block, hashes);
  t.digest_.add(hashes);
  t.spill_->add(block).value_or_throw();
}

std::shared_ptr<Table> TableBuilder::finish(std::map<std::string, io::arrow::Extremes> extremes) {
  Table& t = *table_;
  t.extremes_ = std::move(extremes);
  if (t.n_rows_ == 0) fail("[data] is empty: 0 samples");
  if (t.spill_ != nullptr) {
    t.spill_->finish().value_or_throw();
  } else if (t.options_.by_content) {
    const std::vector<RowHash> hashes = t.row_hashes();
    t.order_.resize(hashes.size());
    std::iota(t.order_.begin(), t.order_.end(), int64_t{0});
    std::sort(t.order_.begin(), t.order_.end(), [&](int64_t a, int64_t b) {
      const RowHash &x = hashes[static_cast<size_t>(a)], &y = hashes[static_cast<size_t>(b)];
      return x != y ? x < y : a < b;
    });
  }
  return std::exchange(table_, nullptr);
}

std::shared_ptr<Table> read_table(BlockReader& reader, TableOptions options,
                                  const std::function<void()>& between_batches) {
  TableBuilder builder(std::move(options));
  TableBlock block;
  while (reader.next(block)) {
    if (block.rows > 0) builder.add(reader.columns(), std::exchange(block, {}));
    if (between_batches) between_batches();
  }
  return builder.finish(reader.extremes());
}

}  // namespace andiron::train
