#pragma once

#include <memory>
#include <vector>

#include "andiron/train/data/table.hpp"

namespace andiron::train {

/// Batches from a spilled table. In each epoch the blocks stand in an order drawn by seed and
/// epoch; so many neighbours in that order as half the memory budget holds are a window, which is
/// read at once and whose rows are shuffled. Without shuffling, blocks and rows keep their order.
class SpilledDataset : public Dataset {
 public:
  SpilledDataset(std::shared_ptr<const Table> table, RowGatherer rows, DataOptions options,
                 int64_t first, int64_t n);

 protected:
  void choose(int64_t epoch, int64_t first, std::span<int64_t> samples) override;
  void gather(std::span<const int64_t> samples, int64_t epoch, BatchBuffer& out,
              int64_t at) override;

 private:
  // The part of a block that belongs to the rows taken.
  struct Piece {
    int64_t block, skip, rows;
  };
  void order_blocks(int64_t epoch);
  size_t window_at(int64_t position) const;
  void load(size_t window);

  std::shared_ptr<const Table> table_;
  RowGatherer rows_;
  std::vector<Piece> pieces_;
  size_t pieces_per_window_;

  // Of the epoch: the pieces' order, and where each window begins (one more: the end).
  int64_t epoch_ = -1;
  std::vector<size_t> order_;
  std::vector<int64_t> begins_;
  // Of the window that is in memory.
  size_t window_ = SIZE_MAX, shuffled_ = SIZE_MAX;
  Permutation shuffle_;
  std::vector<TableBlock> room_;
  std::vector<Tensor> tensors_;
  std::vector<uint32_t> places_, rows_of_block_;
  std::vector<RowPlace> gathered_;
};

}  // namespace andiron::train
