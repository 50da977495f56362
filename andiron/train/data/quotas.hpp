#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace andiron::train {

/// Shares places out among shards in proportion to their sizes: Webster's method (Sainte-Laguë
/// 1910), place k going to the shard with the largest size / (2 given + 1), ties to the first. As
/// it never takes back what it gave, consecutive batches of any size use every sample exactly once,
/// each batch has samples of all shards in proportion, and all shards end together.
class Quotas {
 public:
  /// Throws Error when a size is negative or there is nothing to share out.
  explicit Quotas(std::vector<int64_t> sizes);

  int64_t total() const { return total_; }
  size_t shards() const { return sizes_.size(); }
  /// What each shard has of the first `places`, in [0, total()]. Linear in the number of shards.
  std::vector<int64_t> of_first(int64_t places) const;

 private:
  std::vector<int64_t> sizes_;
  int64_t total_ = 0;
};

}  // namespace andiron::train
