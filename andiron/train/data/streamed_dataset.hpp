#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "andiron/train/data/dataset.hpp"
#include "andiron/train/data/shuffle_buffer.hpp"

namespace andiron::train {

/// Rows that do not fit into memory, in units that are read one after the other, in any order:
/// files, or row groups of files.
struct StreamedRows {
  /// Gives blocks of these columns; false at the end.
  using NextBlock = std::function<bool(TableBlock&)>;

  std::vector<TableColumn> columns;
  std::vector<int64_t> unit_rows;
  std::function<NextBlock(size_t unit)> open;
  /// Rows that are shuffled among each other.
  int64_t shuffle_rows = 1;
};

/// Batches of rows that are read anew in each epoch: units in a random order, drawn by seed and
/// epoch, their rows through a ShuffleBuffer. Memory: the buffer and a block of a unit.
/// A batch depends on seed, epoch and its number only. Batches come in order; another one than the
/// next is reached by reading from the epoch's start.
class StreamedDataset : public Dataset {
 public:
  /// Throws Error when there are no rows or fields do not fit the columns.
  StreamedDataset(StreamedRows rows, std::vector<TableField> fields, DataOptions options);

 protected:
  void choose(int64_t epoch, int64_t first, std::span<int64_t> samples) override;
  void gather(std::span<const int64_t> samples, int64_t epoch, BatchBuffer& out,
              int64_t at) override;

 private:
  void start(int64_t epoch);
  bool next_block();
  /// Draws up to a piece of rows to `places_`.
  void draw(int64_t n);

  StreamedRows rows_;
  RowGatherer gatherer_;
  ShuffleBuffer buffer_;
  std::vector<RowPlace> places_;

  // Where the epoch stands.
  int64_t epoch_ = -1, position_ = 0;
  std::vector<size_t> order_;  // of the units
  size_t n_opened_ = 0;
  StreamedRows::NextBlock unit_;
  TableBlock block_;
  int64_t taken_ = 0;  // of the block
};

}  // namespace andiron::train
