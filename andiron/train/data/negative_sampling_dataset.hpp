#pragma once

#include <memory>
#include <string>
#include <vector>

#include "andiron/train/data/dataset.hpp"
#include "andiron/train/data/history_bags.hpp"
#include "andiron/train/data/negative_sampler.hpp"

namespace andiron::train {

/// A table of features by user or item id, [n_users, ...] or [n_items, ...]: one more input.
struct SideTable {
  std::string name;
  Tensor table;
  bool by_item = true;  ///< else by user
};

struct NegativeSamplingOptions {
  int64_t negatives = 4;  ///< for each positive
  double alpha = 0.0;     ///< popularity^alpha; 0: uniform
  /// Which items are not negatives; null: those among the positives.
  std::shared_ptr<const Interactions> known = nullptr;
  Tensor weights = {};  ///< of the positives [n], also for their negatives; adds a weight field
  std::vector<SideTable> side_tables = {};
  /// Adds the input "history", the user's bag [max_len] without the item of the sample.
  std::shared_ptr<const HistoryBags> history = nullptr;
  DType id_dtype = DType::i64;
  Sizes row = {1};  ///< shape of a user, item, label in a batch: {1} gives [batch, 1], {} [batch]
};

/// Implicit feedback: each positive (user, item) with label 1, and K negatives (user, another item)
/// with label 0, drawn anew each epoch: a function of (seed, epoch, sample), so that threads and
/// order don't matter. Negatives of one positive may repeat. Positives of users who have every item
/// stay without negatives.
/// Inputs "user", "item", "history", the side tables; label "label" float32; "weight" float32.
class NegativeSamplingDataset : public Dataset {
 public:
  /// Throws Error naming the row when an id is out of range, lengths differ or a weight is not
  /// finite.
  NegativeSamplingDataset(const Tensor& users, const Tensor& items, int64_t n_users,
                          int64_t n_items, NegativeSamplingOptions sampling = {},
                          DataOptions options = {});

 protected:
  void gather(std::span<const int64_t> samples, int64_t epoch, BatchBuffer& out,
              int64_t at) override;

 private:
  NegativeSamplingOptions sampling_;
  std::unique_ptr<NegativeSampler> sampler_;
  std::vector<int64_t> users_, items_;
  std::vector<float> weights_;
  std::vector<int64_t> order_;  // positives with possible negatives first; empty: all have them
  int64_t n_with_negatives_ = 0;
  // Of one gather: its rows, and which of them are negatives.
  std::vector<int64_t> batch_users_, batch_items_;
  struct Drawn {
    std::vector<size_t> rows;
    std::vector<int64_t> users, items;
    std::vector<uint64_t> random;
    void clear() {
      rows.clear();
      users.clear();
      random.clear();
    }
    void add(size_t row, int64_t user, uint64_t bits) {
      rows.push_back(row);
      users.push_back(user);
      random.push_back(bits);
    }
  } drawn_;
};

}  // namespace andiron::train
