#pragma once

#include <cstdint>
#include <span>

#include "andiron/nn/metrics/metric.hpp"

namespace andiron::metrics {

/// For each user the ids ids[offsets[u]] to ids[offsets[u+1]] (offsets has one element more than
/// there are users). Neither sorted nor unique ids are needed.
struct IdLists {
  std::span<const int64_t> offsets = {};
  std::span<const int64_t> ids = {};

  bool empty() const { return offsets.empty(); }
  int64_t size() const { return empty() ? 0 : static_cast<int64_t>(offsets.size()) - 1; }
  std::span<const int64_t> operator[](int64_t u) const {
    const auto begin = static_cast<size_t>(offsets[static_cast<size_t>(u)]);
    return ids.subspan(begin, static_cast<size_t>(offsets[static_cast<size_t>(u) + 1]) - begin);
  }
};

/// With rel_i = 1 when the item at rank i = 1, 2, ... is relevant, and R relevant items:
///   precision@k = sum_{i<=k} rel_i / k
///   recall@k    = sum_{i<=k} rel_i / R
///   hit_rate@k  = 1 when any rel_i = 1 for i <= k
///   ndcg@k      = sum_{i<=k} rel_i / log2(i+1)  /  sum_{i<=min(k,R)} 1 / log2(i+1)
///   map@k       = sum_{i<=k} rel_i (sum_{j<=i} rel_j / i)  /  min(k, R)
///   mrr@k       = 1 / the first i <= k with rel_i = 1, else 0
/// A list shorter than k (few items) counts as if irrelevant items followed. Relevant items that
/// are excluded stay relevant and are missed.
enum class RankingKind { precision, recall, hit_rate, ndcg, map, mrr };
inline constexpr RankingKind kAllRankingKinds[] = {RankingKind::precision, RankingKind::recall,
                                                   RankingKind::hit_rate,  RankingKind::ndcg,
                                                   RankingKind::map,       RankingKind::mrr};
std::string_view name_of(RankingKind kind);

/// Every kind at every k for each user: float64 [users, kinds, ks] in the order above; NaN rows for
/// users without relevant items, which means leave out. `scores` is [users, items] (a block of all
/// users, or all); `excluded` (may be empty) are items that are not ranked, such as those seen in
/// training. Ties are broken by the lower index. Throws Error naming the user when a score is NaN
/// or an id is out of range, or the lists do not fit.
Tensor rank_users(const Tensor& scores, const IdLists& relevant, const IdLists& excluded,
                  std::span<const int64_t> ks, int n_threads = 1);

/// The best k items of each user: int64 [users, k], best first; -1 where there are fewer.
Tensor top_items(const Tensor& scores, const IdLists& excluded, int64_t k, int n_threads = 1);

/// The weighted mean over users of one kind at one k.
class RankingMetric : public SumsMetric {
 public:
  RankingMetric(RankingKind kind, int64_t k);

  std::string signature() const override;
  /// y_true [users, items] is not zero where the item is relevant; one weight for each user.
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight = {}) override;
  void update(const Tensor& scores, const IdLists& relevant, const IdLists& excluded);
  double result() const override;
  std::string note() const override;

 private:
  void add(const Tensor& values, const Tensor& weight);
  RankingKind kind_;
  int64_t k_;
};

}  // namespace andiron::metrics
