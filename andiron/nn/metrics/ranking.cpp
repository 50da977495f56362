#include "andiron/nn/metrics/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "andiron/base/error.hpp"
#include "andiron/base/parallel_for.hpp"
#include "andiron/nn/metrics/columns.hpp"
#include "andiron/nn/metrics/top_k.hpp"

namespace andiron::metrics {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kKinds = std::size(kAllRankingKinds);

void check_lists(const IdLists& lists, const char* what, int64_t n_users, int64_t n_items) {
  if (lists.size() != n_users)
    fail("[ranking] {} has {} users; scores have {}", what, lists.size(), n_users);
  if (lists.offsets[0] < 0 || lists.offsets.back() > static_cast<int64_t>(lists.ids.size()))
    fail("[ranking] {}: offsets {} to {} of {} ids", what, lists.offsets[0], lists.offsets.back(),
         lists.ids.size());
  for (int64_t u = 0; u < n_users; ++u)
    if (lists.offsets[static_cast<size_t>(u)] > lists.offsets[static_cast<size_t>(u) + 1])
      fail("[ranking] {}: the offsets decrease at user {}", what, u);
  for (int64_t u = 0; u < n_users; ++u)
    for (int64_t id : lists[u])
      if (id < 0 || id >= n_items)
        fail("[ranking] {}: user {} has the item {}, which is not in [0, {})", what, u, id,
             n_items);
}

// Scores as dense float32 rows.
Tensor float_rows(const Tensor& scores) {
  if (!scores.defined() || scores.rank() != 2 || !is_floating(scores.dtype()))
    fail("[ranking] scores must be floating [users, items]; got {}{}",
         scores.defined() ? name_of(scores.dtype()) : "nothing",
         scores.defined() ? str(scores.sizes()) : "");
  return scores.cast(DType::f32).contiguous();
}

// Marks of one user at a time; costs the length of the list, not the number of items.
class Marks {
 public:
  explicit Marks(int64_t n_items) : marks_(static_cast<size_t>(n_items), 0) {}

  /// Returns how many different ids there are.
  int64_t set(std::span<const int64_t> ids) {
    int64_t n = 0;
    for (int64_t id : ids) {
      n += marks_[static_cast<size_t>(id)] == 0;
      marks_[static_cast<size_t>(id)] = 1;
    }
    return n;
  }
  void clear(std::span<const int64_t> ids) {
    for (int64_t id : ids) marks_[static_cast<size_t>(id)] = 0;
  }
  bool operator[](int64_t id) const { return marks_[static_cast<size_t>(id)] != 0; }
  std::span<const uint8_t> span() const { return marks_; }

 private:
  std::vector<uint8_t> marks_;
};

// Ranks users [begin, end) and calls f(user, their best k items).
template <class F>
void for_each_ranking(const Tensor& scores, const IdLists& excluded, int64_t k, int64_t begin,
                      int64_t end, F f) {
  const int64_t n_items = scores.size(1);
  TopK top;
  Marks skip(n_items);
  for (int64_t u = begin; u < end; ++u) {
    if (!excluded.empty()) skip.set(excluded[u]);
    const std::span<const float> row(scores.data<float>() + u * n_items,
                                     static_cast<size_t>(n_items));
    if (!top.select(row, k, skip.span()))
      fail("[ranking] user {}: the score of item {} is NaN", u,
           std::find_if(row.begin(), row.end(), [](float s) { return s != s; }) - row.begin());
    if (!excluded.empty()) skip.clear(excluded[u]);
    f(u, top.indices());
  }
}

// out [kinds, ks]
void rate(std::span<const int64_t> ranked, const Marks& relevant, int64_t n_relevant,
          std::span<const int64_t> ks, double* out) {
  for (size_t j = 0; j < ks.size(); ++j) {
    const int64_t k = ks[j], n_ideal = std::min(k, n_relevant);
    double hits = 0.0, gain = 0.0, ideal = 0.0, precisions = 0.0, reciprocal = 0.0;
    for (int64_t i = 0; i < k; ++i) {
      const double discount = 1.0 / std::log2(static_cast<double>(i) + 2.0);
      if (i < n_ideal) ideal += discount;
      if (i >= static_cast<int64_t>(ranked.size())) {
        if (i >= n_ideal) break;
        continue;
      }
      if (!relevant[ranked[static_cast<size_t>(i)]]) continue;
      if (hits == 0.0) reciprocal = 1.0 / static_cast<double>(i + 1);
      hits += 1.0;
      gain += discount;
      precisions += hits / static_cast<double>(i + 1);
    }
    const double values[kKinds] = {hits / static_cast<double>(k),
                                   hits / static_cast<double>(n_relevant),
                                   hits > 0.0 ? 1.0 : 0.0,
                                   gain / ideal,
                                   precisions / static_cast<double>(n_ideal),
                                   reciprocal};
    for (size_t kind = 0; kind < kKinds; ++kind) out[kind * ks.size() + j] = values[kind];
  }
}

}  // namespace

std::string_view name_of(RankingKind kind) {
  switch (kind) {
    case RankingKind::precision:
      return "precision";
    case RankingKind::recall:
      return "recall";
    case RankingKind::hit_rate:
      return "hit_rate";
    case RankingKind::ndcg:
      return "ndcg";
    case RankingKind::map:
      return "map";
    case RankingKind::mrr:
      break;
  }
  return "mrr";
}

Tensor rank_users(const Tensor& any_scores, const IdLists& relevant, const IdLists& excluded,
                  std::span<const int64_t> ks, int n_threads) {
  const Tensor scores = float_rows(any_scores);
  const int64_t n_users = scores.size(0), n_items = scores.size(1);
  check_lists(relevant, "relevant", n_users, n_items);
  if (!excluded.empty()) check_lists(excluded, "excluded", n_users, n_items);
  if (ks.empty()) fail("[ranking] needs at least one k");
  for (int64_t k : ks)
    if (k < 1) fail("[ranking] k must be at least 1; got {}", k);
  const int64_t n_ks = static_cast<int64_t>(ks.size()),
                largest = *std::max_element(ks.begin(), ks.end());
  Tensor out(DType::f64, {n_users, static_cast<int64_t>(kKinds), n_ks});
  const int64_t row = static_cast<int64_t>(kKinds) * n_ks;
  parallel_for(n_users, n_threads, [&](int64_t begin, int64_t end) {
    Marks wanted(n_items);
    for_each_ranking(scores, excluded, std::min(largest, n_items), begin, end,
                     [&](int64_t u, std::span<const int64_t> ranked) {
                       double* dst = out.data<double>() + u * row;
                       const int64_t n_relevant = wanted.set(relevant[u]);
                       if (n_relevant == 0) {
                         std::fill_n(dst, row, kNaN);
                       } else {
                         rate(ranked, wanted, n_relevant, ks, dst);
                       }
                       wanted.clear(relevant[u]);
                     });
  });
  return out;
}

Tensor top_items(const Tensor& any_scores, const IdLists& excluded, int64_t k, int n_threads) {
  const Tensor scores = float_rows(any_scores);
  if (!excluded.empty()) check_lists(excluded, "excluded", scores.size(0), scores.size(1));
  if (k < 0) fail("[ranking] k must not be negative; got {}", k);
  Tensor out = Tensor::full(DType::i64, {scores.size(0), k}, -1);
  parallel_for(scores.size(0), n_threads, [&](int64_t begin, int64_t end) {
    for_each_ranking(scores, excluded, std::min(k, scores.size(1)), begin, end,
                     [&](int64_t u, std::span<const int64_t> ranked) {
                       std::copy(ranked.begin(), ranked.end(), out.data<int64_t>() + u * k);
                     });
  });
  return out;
}

RankingMetric::RankingMetric(RankingKind kind, int64_t k) : SumsMetric(2), kind_(kind), k_(k) {
  if (k < 1) fail("[{}] k must be at least 1; got {}", name_of(kind), k);
}

std::string RankingMetric::signature() const { return fmt::format("{}@{}", name_of(kind_), k_); }

void RankingMetric::add(const Tensor& values, const Tensor& weight) {
  for (int64_t u = 0; u < values.size(0); ++u) {
    const double value =
        values.data<double>()[u * static_cast<int64_t>(kKinds) + static_cast<int64_t>(kind_)];
    if (std::isnan(value)) continue;
    const double w = weight.defined() ? weight.item(u) : 1.0;
    sums_[0] += w * value;
    sums_[1] += w;
  }
}

void RankingMetric::update(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  if (!y_true.defined() || !y_pred.defined() || y_true.sizes() != y_pred.sizes() ||
      y_true.rank() != 2)
    fail("[{}] y_true and y_pred must be [users, items]", signature());
  if (weight.defined() && weight.count() != y_pred.size(0))
    fail("[{}] weights must be one for each user; got {} for {}", signature(), str(weight.sizes()),
         str(y_pred.sizes()));
  const Tensor labels = y_true.contiguous();
  std::vector<int64_t> offsets = {0}, ids;
  std::vector<double> row(static_cast<size_t>(y_pred.size(1)));
  for (int64_t u = 0; u < y_pred.size(0); ++u) {
    read_doubles(labels, u * y_pred.size(1), row);
    for (size_t i = 0; i < row.size(); ++i)
      if (row[i] != 0.0) ids.push_back(static_cast<int64_t>(i));
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  add(rank_users(y_pred, {offsets, ids}, {}, std::span(&k_, 1)), weight);
}

void RankingMetric::update(const Tensor& scores, const IdLists& relevant, const IdLists& excluded) {
  add(rank_users(scores, relevant, excluded, std::span(&k_, 1)), {});
}

double RankingMetric::result() const { return sums_[1] == 0.0 ? kNaN : sums_[0] / sums_[1]; }

std::string RankingMetric::note() const {
  return sums_[1] == 0.0 ? "no user with a relevant item was seen" : "";
}

}  // namespace andiron::metrics
