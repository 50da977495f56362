#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "andiron/tensor/tensor.hpp"

namespace andiron::train {

/// Which items each user has interacted with: sorted, unique lists.
class Interactions {
 public:
  /// `users` and `items` are int32 or int64 [n]. Throws Error naming the row when an id is out of
  /// range, lengths differ or there are none.
  Interactions(const Tensor& users, const Tensor& items, int64_t n_users, int64_t n_items);

  int64_t n_users() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  int64_t n_items() const { return n_items_; }
  /// The user's items, ascending.
  std::span<const int32_t> items_of(int64_t user) const {
    const auto begin = static_cast<size_t>(offsets_[static_cast<size_t>(user)]);
    return {items_.data() + begin,
            static_cast<size_t>(offsets_[static_cast<size_t>(user) + 1]) - begin};
  }
  bool contains(int64_t user, int64_t item) const;
  /// Ask for what items_of(user) reads, and, once that is here, for the list's first lines.
  void prefetch_offset(int64_t user) const {
    __builtin_prefetch(&offsets_[static_cast<size_t>(user)]);
  }
  void prefetch_items(int64_t user) const {
    const auto list = items_of(user);
    for (size_t i = 0; i < std::min<size_t>(list.size(), 64); i += 16)
      __builtin_prefetch(list.data() + i);
  }
  /// Where the user's list begins among all lists.
  int64_t offset_of(int64_t user) const { return offsets_[static_cast<size_t>(user)]; }
  int64_t count() const { return static_cast<int64_t>(items_.size()); }
  /// How many users have each item.
  std::vector<int64_t> item_counts() const;

 private:
  int64_t n_items_;
  std::vector<int64_t> offsets_;
  std::vector<int32_t> items_;
};

/// Ids of any integer dtype, strided or not, as int64. Throws Error naming `what` and the row when
/// one is not in [0, n).
std::vector<int64_t> read_ids(const char* what, const Tensor& ids, int64_t n);

}  // namespace andiron::train
