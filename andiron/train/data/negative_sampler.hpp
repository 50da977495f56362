#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "andiron/base/philox.hpp"
#include "andiron/train/data/interactions.hpp"

namespace andiron::train {

/// Draws items that a user has NOT interacted with, with probability proportional to
/// popularity^alpha among those (alpha 0: uniform; 0.75 is word2vec's). Exact: weights are integers
/// (the total is about 2^61), so no rounding can hit a forbidden item.
/// Uniform draws count free items over the gaps between the user's by binary search. Weighted ones
/// take from all items by an alias table (Walker 1977, Vose 1991) until the user does not have it;
/// for a user who has nearly everything, after a few refusals, they count weight over the gaps.
/// Thread safety: everything is const.
class NegativeSampler {
 public:
  /// Popularity is the number of users who have the item.
  explicit NegativeSampler(std::shared_ptr<const Interactions> interactions, double alpha = 0.0);

  const Interactions& interactions() const { return *interactions_; }
  /// Whether there is an item that the user does not have.
  bool possible(int64_t user) const {
    return static_cast<int64_t>(interactions_->items_of(user).size()) < interactions_->n_items();
  }
  /// REQUIRES possible(user). A function of its arguments: 64 random bits make one item. Where
  /// nobody has any of the items left (their weights are 0), these are drawn uniformly.
  int64_t sample(int64_t user, uint64_t random) const;
  /// items[i] = sample(users[i], random[i]); tables larger than the caches are fetched ahead.
  void sample(std::span<const int64_t> users, std::span<const uint64_t> random,
              std::span<int64_t> items) const;
  /// k items for each user, line by line into `items` [n, k]. REQUIRES possible(each user). The
  /// draw of line i and column j is a function of (key, i k + j); see negatives_key.
  void draw(std::span<const int64_t> users, int64_t k, uint64_t key,
            std::span<int64_t> items) const;

 private:
  struct Column {
    uint64_t share = 0;  // of the column that is its own, in 2^-64
    int32_t item = 0, other = 0;
  };
  void make_columns();
  int64_t sample_uniform(int64_t user, uint64_t random) const;
  int64_t sample_over_gaps(int64_t user, uint64_t random) const;

  std::shared_ptr<const Interactions> interactions_;
  // Only with alpha != 0. before_[i]: the weight of items < i. seen_before_, in the order of all
  // lists: the weight of the user's earlier items.
  std::vector<uint64_t> before_, seen_before_;
  std::vector<Column> columns_;
};

/// Philox's key of the negatives of an epoch.
inline uint64_t negatives_key(uint64_t seed, int64_t epoch) {
  return mix_key(mix_key(seed, 0x6E65676174697665ULL), static_cast<uint64_t>(epoch));
}
/// The random bits of one negative, which its number among the epoch's samples decides.
inline uint64_t negative_bits(const Philox& philox, int64_t sample) {
  const auto words = philox(static_cast<uint64_t>(sample));
  return static_cast<uint64_t>(words[0]) << 32 | words[1];
}

}  // namespace andiron::train
