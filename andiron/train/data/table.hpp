#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "andiron/io/arrow/convert.hpp"
#include "andiron/io/arrow/stream.hpp"
#include "andiron/train/data/row_hash.hpp"
#include "andiron/train/data/spill.hpp"
#include "andiron/train/data/table_block.hpp"

namespace andiron::train {

struct TableOptions {
  /// Bytes of rows to hold in memory; 0: no bound. More than that goes to a spill file, all of it.
  int64_t memory_budget = 0;
  std::string spill_folder = "";  ///< empty: the system's folder for temporary files
  /// Rows stand in the order of their hashes instead of that in which they came.
  bool by_content = false;
};

/// Rows of columns of numbers, in memory as they came or in a spill file. Immutable.
/// Thread safety: safe to share.
class Table {
 public:
  const std::vector<TableColumn>& columns() const { return columns_; }
  int64_t n_rows() const { return n_rows_; }
  bool by_content() const { return options_.by_content; }
  const TableOptions& options() const { return options_; }
  /// In memory; empty when there is a spill.
  const std::vector<TableBlock>& blocks() const { return blocks_; }
  /// Of the columns whose numbers were checked as they were read, by name.
  const std::map<std::string, io::arrow::Extremes>& extremes() const { return extremes_; }
  /// Null when everything is in memory.
  const Spill* spill() const { return spill_.get(); }
  /// In memory and by content: order()[i] is the row that stands at i.
  const std::vector<int64_t>& order() const { return order_; }
  /// Computed when first asked for (in memory), or while rows were written (spilled).
  const TableDigest& digest() const;
  /// REQUIRES no spill. In the order in which the rows came.
  std::vector<RowHash> row_hashes() const;

 private:
  friend class TableBuilder;
  std::vector<TableColumn> columns_;
  std::map<std::string, io::arrow::Extremes> extremes_;
  TableOptions options_;
  int64_t n_rows_ = 0;
  std::vector<TableBlock> blocks_;
  std::unique_ptr<Spill> spill_;
  std::vector<int64_t> order_;
  mutable std::once_flag digested_;
  mutable TableDigest digest_;
};

/// Collects blocks into a table.
class TableBuilder {
 public:
  explicit TableBuilder(TableOptions options = {});
  /// Blocks of no rows are ignored. Throws Error when a block's columns differ from those before,
  /// IoError when the spill cannot be written.
  void add(const std::vector<TableColumn>& columns, TableBlock block);
  /// Throws Error when there is no row.
  std::shared_ptr<Table> finish(std::map<std::string, io::arrow::Extremes> extremes = {});

 private:
  void start_spill();
  void spill(const TableBlock& block);

  std::shared_ptr<Table> table_;
  int64_t n_bytes_ = 0;
};

/// Columns of a stream that lie side by side as one column of a table: one after the other in each
/// row, in the dtype that holds all of them. A shuffled row of many columns would otherwise be as
/// many cache misses; few columns are better left where they are.
using Packs = std::vector<std::vector<size_t>>;

/// A stream's batches as blocks, one by one: what predictions read.
class BlockReader {
 public:
  /// `packs` name places in `columns`, each at most once; columns that are in none follow them.
  /// A column of the stream may be read twice, in two ways. No columns are an Error.
  BlockReader(io::arrow::Stream& stream, const std::vector<io::arrow::ColumnOptions>& columns,
              Packs packs = {});
  /// False at the end. Columns are known after it returned true for a block with rows.
  bool next(TableBlock& block);
  const std::vector<TableColumn>& columns() const { return columns_; }
  /// Of the columns that are checked, so far, by name.
  std::map<std::string, io::arrow::Extremes> extremes() const;

 private:
  void describe();
  void pack(TableBlock& block) const;

  io::arrow::Stream& stream_;
  std::vector<size_t> wanted_;     // of the stream's columns, each once
  std::vector<size_t> source_of_;  // where converter i finds its array among those
  std::vector<io::arrow::Converter> converters_;
  Packs packs_;
  std::vector<size_t> alone_;           // converters that are in no pack
  std::vector<TableColumn> converted_;  // by converter
  std::vector<TableColumn> columns_;
  int64_t n_rows_ = 0;
};

/// Reads a stream into a table. `between_batches` may throw to end it. Throws Error naming column
/// and row, IoError when the producer or the disk fails.
std::shared_ptr<Table> read_table(BlockReader& reader, TableOptions options = {},
                                  const std::function<void()>& between_batches = {});

}  // namespace andiron::train
