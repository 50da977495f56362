#include "andiron/train/data/interactions.hpp"

#include <algorithm>
#include <limits>

#include "andiron/base/error.hpp"

namespace andiron::train {

std::vector<int64_t> read_ids(const char* what, const Tensor& ids, int64_t n) {
  if (!ids.defined() || ids.rank() != 1 || !is_integer(ids.dtype()))
    fail("[interactions] {} must be integers [n]; got {}", what,
         ids.defined() ? std::string(name_of(ids.dtype())) + str(ids.sizes()) : "nothing");
  const Tensor dense = ids.cast(DType::i64).contiguous();
  std::vector<int64_t> out(dense.data<int64_t>(), dense.data<int64_t>() + dense.count());
  for (size_t i = 0; i < out.size(); ++i)
    if (out[i] < 0 || out[i] >= n)
      fail("[interactions] row {}: the {} id {} is not in [0, {})", i, what, out[i], n);
  return out;
}

Interactions::Interactions(const Tensor& users, const Tensor& items, int64_t n_users,
                           int64_t n_items)
    : n_items_(n_items) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (n_users < 1 || n_items < 1 || n_users > kMost || n_items > kMost)
    fail("[interactions] needs between 1 and {} users and items; got {} and {}", kMost, n_users,
         n_items);
  const std::vector<int64_t> u = read_ids("user", users, n_users);
  const std::vector<int64_t> v = read_ids("item", items, n_items);
  if (u.size() != v.size())
    fail("[interactions] there are {} users but {} items", u.size(), v.size());
  if (u.empty()) fail("[interactions] there are none");

  // Counting sort by user, then each list by item, then duplicates out.
  std::vector<int64_t> at(static_cast<size_t>(n_users) + 1, 0);
  for (int64_t user : u) ++at[static_cast<size_t>(user) + 1];
  for (size_t i = 1; i < at.size(); ++i) at[i] += at[i - 1];
  offsets_ = at;
  items_.resize(u.size());
  for (size_t i = 0; i < u.size(); ++i)
    items_[static_cast<size_t>(at[static_cast<size_t>(u[i])]++)] = static_cast<int32_t>(v[i]);
  auto end = items_.begin();
  for (size_t user = 0; user + 1 < offsets_.size(); ++user) {
    const auto first = items_.begin() + offsets_[user], last = items_.begin() + offsets_[user + 1];
    std::sort(first, last);
    offsets_[user] = end - items_.begin();
    end = std::unique_copy(first, last, end);
  }
  offsets_.back() = end - items_.begin();
  items_.resize(static_cast<size_t>(offsets_.back()));
}

bool Interactions::contains(int64_t user, int64_t item) const {
  const auto items = items_of(user);
  return std::binary_search(items.begin(), items.end(), static_cast<int32_t>(item));
}

std::vector<int64_t> Interactions::item_counts() const {
  std::vector<int64_t> counts(static_cast<size_t>(n_items_), 0);
  for (int32_t item : items_) ++counts[static_cast<size_t>(item)];
  return counts;
}

}  // namespace andiron::train
