#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "andiron/base/result.hpp"
#include "andiron/train/data/row_hash.hpp"

namespace andiron::train {

/// Finds where ranks fall in several sorted runs of hashes that lie in a file: the first q of all
/// rows are the first split[r] of each run r. Holds every 1,024th hash and one page of each run.
class RankSearch {
 public:
  static constexpr int64_t kPage = 1024;  // hashes
  /// Reads hashes [begin, end) of a run.
  using Read = std::function<Result<>(size_t run, int64_t begin, int64_t end, RowHash* out)>;

  explicit RankSearch(Read read) : read_(std::move(read)) {}
  /// A run's hashes, sorted, while they are in memory.
  void add_run(const RowHash* hashes, int64_t n);
  /// REQUIRES q not smaller than the last call's. Rows of equal hashes are equal: which of them
  /// come first makes no difference.
  Result<std::vector<int64_t>> split(int64_t q);

 private:
  struct Run {
    int64_t n = 0;
    std::vector<RowHash> firsts;  // of each page
    int64_t page = -1;            // the one that is in memory
    std::vector<RowHash> hashes;
  };
  // How many of a run's hashes are below `key`, or not above it.
  Result<int64_t> count(size_t run, const RowHash& key, bool with_equal);

  Read read_;
  std::vector<Run> runs_;
  std::vector<RowHash> firsts_;  // of all runs, sorted; made when all are there
  RowHash low_;
};

}  // namespace andiron::train
