#include "andiron/train/data/history_bags.hpp"

#include <limits>

#include "andiron/base/error.hpp"
#include "andiron/train/data/interactions.hpp"

namespace andiron::train {

HistoryBags::HistoryBags(const Tensor& users, const Tensor& items, int64_t n_users, int64_t n_items,
                         int64_t max_len)
    : max_len_(max_len) {
  if (max_len < 1) fail("[history] max_len must be at least 1; got {}", max_len);
  if (n_users < 1 || n_items < 1 || n_items > std::numeric_limits<int32_t>::max())
    fail("[history] there must be users and at most 2^31 items; got {} and {}", n_users, n_items);
  const std::vector<int64_t> u = read_ids("user", users, n_users);
  const std::vector<int64_t> v = read_ids("item", items, n_items);
  if (u.size() != v.size()) fail("[history] there are {} users but {} items", u.size(), v.size());
  offsets_.assign(static_cast<size_t>(n_users) + 1, 0);
  for (int64_t user : u) ++offsets_[static_cast<size_t>(user) + 1];
  for (size_t i = 1; i < offsets_.size(); ++i) offsets_[i] += offsets_[i - 1];
  std::vector<int64_t> next(offsets_.begin(), offsets_.end() - 1);
  items_.resize(u.size());
  for (size_t i = 0; i < u.size(); ++i)
    items_[static_cast<size_t>(next[static_cast<size_t>(u[i])]++)] = static_cast<int32_t>(v[i]);
}

void HistoryBags::fill(std::span<const int64_t> users, std::span<const int64_t> targets,
                       const Tensor& out, int64_t at) const {
  auto write = [&]<class T>(T* rows) {
    for (size_t i = 0; i < users.size(); ++i) {
      T* row = rows + static_cast<int64_t>(i) * max_len_;
      const auto user = static_cast<size_t>(users[i]);
      const int64_t target = targets.empty() ? kNoItem : targets[i];
      // From the newest back, until the bag is full.
      int64_t n = 0;
      for (int64_t j = offsets_[user + 1]; j > offsets_[user] && n < max_len_; --j) {
        const int32_t item = items_[static_cast<size_t>(j) - 1];
        if (item != target) row[n++] = static_cast<T>(item);
      }
      for (; n < max_len_; ++n) row[n] = static_cast<T>(kNoItem);
    }
  };
  if (out.dtype() == DType::i32) {
    write(out.data<int32_t>() + at * max_len_);
  } else {
    ANDIRON_ASSERT(out.dtype() == DType::i64);
    write(out.data<int64_t>() + at * max_len_);
  }
}

}  // namespace andiron::train
