#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "andiron/train/data/interactions.hpp"

namespace andiron::train {

/// Draws items that a user has NOT interacted with, with probability proportional to
/// popularity^alpha among those (alpha 0: uniform; 0.75 is word2vec's). Exact, and without
/// rejection: the draw counts weight over the gaps between the user's items by binary search, so a
/// user who has nearly everything costs no more than others. Weights are integers (the total is
/// about 2^62), so no rounding can hit a forbidden item.
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

 private:
  int64_t sample_uniform(int64_t user, uint64_t random) const;

  std::shared_ptr<const Interactions> interactions_;
  // Only with alpha != 0. before_[i]: the weight of items < i. seen_before_, in the order of all
  // lists: the weight of the user's earlier items.
  std::vector<uint64_t> before_, seen_before_;
};

}  // namespace andiron::train
