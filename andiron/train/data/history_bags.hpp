#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::train {

/// What a slot without an item holds: embedding_bag leaves negative ids out.
inline constexpr int64_t kNoItem = -1;

/// Each user's items as a bag of fixed length, for user towers made of embedding_bag.
class HistoryBags {
 public:
  /// Rows are in order of time: the last `max_len` of a user fill the bag. Throws Error naming the
  /// row when an id is out of range.
  HistoryBags(const Tensor& users, const Tensor& items, int64_t n_users, int64_t n_items,
              int64_t max_len);

  int64_t max_len() const { return max_len_; }
  int64_t n_users() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  /// Writes the bag of users[i] to row at + i of `out`, dense int32 or int64 [n, max_len], kNoItem
  /// behind the last. Of user i the item `targets[i]` is left out (`targets` may be empty).
  /// REQUIRES users in range.
  void fill(std::span<const int64_t> users, std::span<const int64_t> targets, const Tensor& out,
            int64_t at = 0) const;

 private:
  int64_t max_len_;
  std::vector<int64_t> offsets_;
  std::vector<int32_t> items_;
};

}  // namespace andiron::train
