#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/io/arrow/ipc_writer.hpp"
#include "andiron/train/data/row_hash.hpp"
#include "andiron/train/data/table_block.hpp"

namespace andiron::train {

struct SpillOptions {
  std::string folder;
  int64_t rows_per_run = 0;    ///< rows that are written together
  int64_t rows_per_block = 0;  ///< rows that are read together
  bool by_content = false;     ///< blocks follow the order of the rows' hashes
};

/// Rows in a local Arrow IPC file that has no name (it is unlinked as soon as it is open), so that
/// it is gone with the process, however that ends. Written once, in runs; read in blocks.
/// By content, each run is sorted by the rows' hashes when it is written, and a block is what a
/// range of ranks finds in each run: the same rows in the same block in whatever order they came.
/// Thread safety: `read` from many threads after `finish`.
class Spill {
 public:
  static Result<std::unique_ptr<Spill>> create(SpillOptions options,
                                               std::vector<TableColumn> columns);
  ~Spill();
  Spill(const Spill&) = delete;
  Spill& operator=(const Spill&) = delete;

  Result<> add(const TableBlock& block);
  Result<> finish();

  int64_t n_rows() const { return n_rows_; }
  int64_t n_blocks() const;
  int64_t rows_per_block() const { return options_.rows_per_block; }
  /// Block b begins at this row of the whole; b may be n_blocks().
  int64_t begin_of(int64_t b) const { return std::min(b * options_.rows_per_block, n_rows_); }
  const std::vector<TableColumn>& columns() const { return columns_; }

  /// The tensors that `read` fills: the columns, `rows` rows each, and by content the hashes.
  std::vector<Tensor> make_room(int64_t rows) const;
  /// Reads block b to rows [at, at + its rows) of `room`. places[i] becomes the row of `room` that
  /// is row i of the block.
  Result<> read(int64_t b, const std::vector<Tensor>& room, int64_t at,
                std::span<uint32_t> places) const;
  /// Tells the system that the block will be read soon.
  void expect(int64_t b) const;
  /// Where the file can be opened by others while this lives.
  std::string open_path() const;

 private:
  struct Run {
    int64_t rows = 0;
    std::vector<int64_t> offsets;  // of the columns' bytes in the file; the hashes come last
  };
  // Rows [begin, end) of a run.
  struct Slice {
    size_t run;
    int64_t begin, end;
  };

  Spill(SpillOptions options, std::vector<TableColumn> columns, int fd, std::string path);
  Result<> write_run();
  void sort_staged();
  void cut_in_order();
  Result<> cut_by_content();
  Result<> read_at(void* dst, int64_t n_bytes, int64_t offset) const;

  SpillOptions options_;
  std::vector<TableColumn> columns_;
  int fd_;
  std::string path_;
  io::arrow::IpcWriter writer_;
  std::vector<Tensor> staged_;  // one run, filled row after row; by content its hashes are last
  std::vector<Tensor> sorted_;
  int64_t n_staged_ = 0, n_rows_ = 0;
  std::vector<Run> runs_;
  std::vector<std::vector<Slice>> blocks_;
};

}  // namespace andiron::train
