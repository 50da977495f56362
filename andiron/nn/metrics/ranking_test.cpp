#include "andiron/nn/metrics/ranking.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "andiron/base/error.hpp"
#include "andiron/nn/metrics/top_k.hpp"

namespace andiron::metrics {
namespace {

using testing::HasSubstr;
constexpr int64_t kUsers = 5, kItems = 30;

double score(int64_t a, int64_t b) {
  return static_cast<double>((a * 31 + b * 17) * 7919 % 1009) / 1009.0;
}
double relevant(int64_t a, int64_t b) { return (a * 13 + b * 29) * 31 % 11 < 2 ? 1.0 : 0.0; }

Tensor matrix(double (*f)(int64_t, int64_t)) {
  Tensor t(DType::f64, {kUsers, kItems});
  for (int64_t a = 0; a < kUsers; ++a)
    for (int64_t b = 0; b < kItems; ++b) t.data<double>()[a * kItems + b] = f(a, b);
  return t;
}

double of_factory(const std::string& name) {
  const MetricPtr m = make_metric(name);
  m->update(matrix(relevant), matrix(score));
  return m->result();
}

TEST(Ranking, equals_scikit_learn) {  // 1.7.2: ndcg_score, mean of average_precision_score
  EXPECT_NEAR(of_factory("ndcg@1"), 0.2, 1e-12);
  EXPECT_NEAR(of_factory("NDCG@5"), 0.20590857795347092, 1e-12);
  EXPECT_NEAR(of_factory("ndcg@10"), 0.27878150249325917, 1e-12);
  EXPECT_NEAR(of_factory("ndcg@30"), 0.5563888652593368, 1e-12);
  EXPECT_NEAR(of_factory("map@30"), 0.271145748700317, 1e-12);
}

TEST(Ranking, one_user_by_hand) {
  // ranked: 4 3 2 1 0; item 4 is excluded, so 3 2 1 0; relevant 2, 0 and the excluded 4
  const Tensor scores = Tensor::from<float>({1, 2, 3, 4, 5}, {1, 5});
  const std::vector<int64_t> of_relevant = {0, 3}, ids = {2, 0, 4}, of_seen = {0, 1}, seen = {4};
  const std::vector<int64_t> ks = {1, 2, 10};
  const Tensor t = rank_users(scores, {of_relevant, ids}, {of_seen, seen}, ks);
  auto at = [&](RankingKind kind, int64_t k) {
    return t.data<double>()[static_cast<int64_t>(kind) * 3 + k];
  };
  const double second = 1 / std::log2(3.0), fourth = 1 / std::log2(5.0);
  EXPECT_EQ(at(RankingKind::precision, 0), 0.0);
  EXPECT_EQ(at(RankingKind::precision, 1), 0.5);
  EXPECT_EQ(at(RankingKind::precision, 2), 0.2);
  EXPECT_EQ(at(RankingKind::recall, 1), 1.0 / 3);
  EXPECT_EQ(at(RankingKind::recall, 2), 2.0 / 3);
  EXPECT_EQ(at(RankingKind::hit_rate, 0), 0.0);
  EXPECT_EQ(at(RankingKind::hit_rate, 1), 1.0);
  EXPECT_NEAR(at(RankingKind::ndcg, 1), second / (1 + second), 1e-15);
  EXPECT_NEAR(at(RankingKind::ndcg, 2), (second + fourth) / (1 + second + 0.5), 1e-15);
  EXPECT_NEAR(at(RankingKind::map, 1), 0.5 / 2, 1e-15);
  EXPECT_NEAR(at(RankingKind::map, 2), (0.5 + 2.0 / 4) / 3, 1e-15);
}

TEST(Ranking, threads_blocks_and_merging_give_one_answer) {
  std::mt19937 random(1);
  const int64_t n = 40, m = 200;
  Tensor scores(DType::f32, {n, m});
  for (int64_t i = 0; i < n * m; ++i) scores.data<float>()[i] = static_cast<float>(random() % 50);
  std::vector<int64_t> offsets = {0}, ids;
  for (int64_t u = 0; u < n; ++u) {
    for (int64_t i = 0; i < u % 4; ++i) ids.push_back(static_cast<int64_t>(random() % m));
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  const std::vector<int64_t> ks = {1, 5, 20};
  const Tensor one = rank_users(scores, {offsets, ids}, {}, ks, 1);
  const Tensor three = rank_users(scores, {offsets, ids}, {}, ks, 3);
  for (int64_t i = 0; i < one.count(); ++i)
    EXPECT_TRUE(one.item(i) == three.item(i) ||
                (std::isnan(one.item(i)) && std::isnan(three.item(i))));
  EXPECT_TRUE(std::isnan(one.item(0)));  // user 0 has no relevant item

  RankingMetric whole(RankingKind::ndcg, 5), a(RankingKind::ndcg, 5), b(RankingKind::ndcg, 5);
  whole.update(scores, {offsets, ids}, IdLists{});
  const std::span<const int64_t> all(offsets);
  a.update(scores.rows(0, 13), {all.subspan(0, 14), ids}, IdLists{});
  b.update(scores.rows(13, n), {all.subspan(13), ids}, IdLists{});
  a.merge(b);
  EXPECT_NEAR(a.result(), whole.result(), 1e-14);
  RankingMetric none(RankingKind::map, 3);
  EXPECT_TRUE(std::isnan(none.result()));
  EXPECT_THAT(none.note(), HasSubstr("no user"));
}

TEST(Ranking, mistakes_name_the_user) {
  const Tensor scores = Tensor::from<float>({1, 2, 3, NAN}, {2, 2});
  const std::vector<int64_t> offsets = {0, 1, 2}, ids = {0, 1}, bad = {0, 2}, ks = {1};
  auto error = [&](const Tensor& s, const IdLists& lists, std::span<const int64_t> at) {
    try {
      rank_users(s, lists, {}, at);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error(scores, {offsets, ids}, ks), HasSubstr("user 1: the score of item 1 is NaN"));
  EXPECT_THAT(error(scores, {offsets, bad}, ks), HasSubstr("user 1 has the item 2, which is not"));
  EXPECT_THAT(error(scores.rows(0, 1), {offsets, ids}, ks), HasSubstr("2 users; scores have 1"));
  EXPECT_THAT(error(scores, {offsets, ids}, {}), HasSubstr("at least one k"));
  const std::vector<int64_t> down = {0, 2, 1};
  EXPECT_THAT(error(scores, {down, ids}, ks), HasSubstr("decrease at user 1"));
  EXPECT_THROW(RankingMetric(RankingKind::map, 0), Error);
}

TEST(TopK, equals_a_full_sort_with_ties_by_index) {
  std::mt19937 random(3);
  TopK top;
  for (int round = 0; round < 200; ++round) {
    const size_t n = random() % 700;
    std::vector<float> scores(n);
    std::vector<uint8_t> skip(n);
    for (size_t i = 0; i < n; ++i) {
      scores[i] = static_cast<float>(random() % (round % 2 ? 1000000 : 7));
      if (random() % 50 == 0) scores[i] = -INFINITY;
      skip[i] = random() % 5 == 0;
    }
    std::vector<int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::erase_if(order, [&](int64_t i) { return skip[static_cast<size_t>(i)] != 0; });
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
    });
    const int64_t k = static_cast<int64_t>(random() % 30);
    order.resize(std::min<size_t>(order.size(), static_cast<size_t>(k)));
    ASSERT_TRUE(top.select(scores, k, skip));
    EXPECT_EQ(std::vector<int64_t>(top.indices().begin(), top.indices().end()), order);
  }
}

TEST(TopItems, short_lists_end_with_minus_one) {
  const Tensor scores = Tensor::from<float>({1, 5, 3, 2, 2, 2}, {2, 3});
  const std::vector<int64_t> offsets = {0, 2, 2}, seen = {1, 0};
  const Tensor t = top_items(scores, {offsets, seen}, 2);
  EXPECT_EQ(std::vector<int64_t>(t.data<int64_t>(), t.data<int64_t>() + 4),
            (std::vector<int64_t>{2, -1, 0, 1}));
}

}  // namespace
}  // namespace andiron::metrics
