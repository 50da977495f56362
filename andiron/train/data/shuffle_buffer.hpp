#pragma once

#include <cstdint>
#include <vector>

#include "andiron/train/data/table_block.hpp"

namespace andiron::train {

/// Rows of which one is drawn at random, and whose place the next row that comes takes, as in
/// tf.data's shuffle. Which rows are drawn depends on the key and on the order of the rows that
/// come, not on how many are drawn at once nor on the blocks in which they come.
class ShuffleBuffer {
 public:
  /// Room for `capacity` rows (with 1, rows keep their order), of which up to `piece` are drawn at
  /// once.
  ShuffleBuffer(const std::vector<TableColumn>& columns, int64_t capacity, int64_t piece);

  /// Empty again, with another order.
  void start(uint64_t key);
  bool full() const { return std::ssize(slots_) == capacity_; }
  bool empty() const { return slots_.empty(); }
  /// How many rows have room: until it is full, and one for each that was drawn since.
  int64_t wanted() const { return capacity_ - std::ssize(slots_); }
  /// Rows [begin, begin + n) of a block. REQUIRES n <= wanted().
  void add(const TableBlock& block, int64_t begin, int64_t n);
  /// Draws one row. REQUIRES that it is not empty. The row stays until `recycle`.
  RowPlace draw();
  /// The rows that were drawn give their places back.
  void recycle();
  /// What places point into.
  const std::vector<TableBlock>& room() const { return room_; }

 private:
  std::vector<TableColumn> columns_;
  int64_t capacity_;
  std::vector<TableBlock> room_;  // one block
  std::vector<uint32_t> slots_;   // the places of the rows that are here
  std::vector<uint32_t> free_, drawn_;
  uint64_t key_ = 0, n_drawn_ = 0;
};

}  // namespace andiron::train
