#include "andiron/train/data/table.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "andiron/base/error.hpp"

namespace andiron::train {

namespace {

// Shares of the memory budget. An epoch reads windows of half of it (spilled_dataset.cpp); reading
// the next block while a batch is copied out needs some more.
constexpr int64_t kRunShare = 4, kBlockShare = 16;

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

std::shared_ptr<Table> TableBuilder::finish() {
  Table& t = *table_;
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

BlockReader::BlockReader(io::arrow::Stream& stream,
                         const std::vector<io::arrow::ColumnOptions>& columns)
    : stream_(stream) {
  for (const io::arrow::ColumnOptions& c : columns) {
    const size_t at = stream.find(c.name);
    const auto known = std::find(wanted_.begin(), wanted_.end(), at);
    source_of_.push_back(static_cast<size_t>(known - wanted_.begin()));
    if (known == wanted_.end()) wanted_.push_back(at);
    converters_.emplace_back(c, stream.schema().children[at]);
  }
}

bool BlockReader::next(TableBlock& block) {
  std::optional<io::arrow::Batch> batch = stream_.next(wanted_).value_or_throw();
  if (!batch) return false;
  block.rows = batch->rows;
  block.columns.clear();
  for (size_t i = 0; i < converters_.size(); ++i)
    block.columns.push_back(converters_[i].convert(batch->columns[source_of_[i]], n_rows_));
  n_rows_ += batch->rows;
  return true;
}

std::vector<TableColumn> BlockReader::columns() const {
  std::vector<TableColumn> out;
  for (const io::arrow::Converter& c : converters_)
    out.push_back({c.options().name, c.dtype(), c.row().value_or(Sizes{0})});
  return out;
}

std::shared_ptr<Table> read_table(io::arrow::Stream& stream,
                                  const std::vector<io::arrow::ColumnOptions>& columns,
                                  TableOptions options,
                                  const std::function<void()>& between_batches) {
  BlockReader reader(stream, columns);
  TableBuilder builder(std::move(options));
  TableBlock block;
  while (reader.next(block)) {
    if (block.rows > 0) builder.add(reader.columns(), std::exchange(block, {}));
    if (between_batches) between_batches();
  }
  return builder.finish();
}

}  // namespace andiron::train
