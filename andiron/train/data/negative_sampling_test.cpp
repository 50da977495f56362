#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "andiron/base/error.hpp"
#include "andiron/train/data/batch_stream.hpp"
#include "andiron/train/data/negative_sampling_dataset.hpp"

namespace andiron::train {
namespace {

using testing::HasSubstr;

Tensor ids(const std::vector<int64_t>& v) {
  return Tensor::from(v, {static_cast<int64_t>(v.size())});
}

struct Pairs {
  std::vector<int64_t> users, items;
};

// User u has item i when a hash says so; user 0 has all but item 5, user 1 has everything.
Pairs some_pairs(int64_t n_users, int64_t n_items) {
  Pairs p;
  std::mt19937 random(1);
  for (int64_t u = 0; u < n_users; ++u)
    for (int64_t i = 0; i < n_items; ++i) {
      const bool has = u == 0 ? i != 5 : u == 1 || random() % static_cast<unsigned>(i + 2) == 0;
      if (has) {
        p.users.push_back(u);
        p.items.push_back(i);
      }
    }
  return p;
}

TEST(Interactions, lists_are_sorted_and_unique) {
  const Interactions x(ids({2, 0, 2, 2, 0}), ids({3, 1, 1, 3, 1}), 4, 5);
  EXPECT_THAT(x.items_of(2), testing::ElementsAre(1, 3));
  EXPECT_THAT(x.items_of(0), testing::ElementsAre(1));
  EXPECT_TRUE(x.items_of(1).empty() && x.items_of(3).empty());
  EXPECT_TRUE(x.contains(2, 3) && !x.contains(2, 2) && !x.contains(1, 1));
  EXPECT_EQ(x.item_counts(), (std::vector<int64_t>{0, 2, 0, 1, 0}));
}

TEST(Interactions, mistakes_name_the_row) {
  auto error = [](const Tensor& u, const Tensor& i) {
    try {
      Interactions(u, i, 3, 3);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error(ids({0, 3}), ids({0, 0})), HasSubstr("row 1: the user id 3 is not in [0, 3)"));
  EXPECT_THAT(error(ids({0, 1}), ids({0, -1})), HasSubstr("row 1: the item id -1"));
  EXPECT_THAT(error(ids({0}), ids({0, 1})), HasSubstr("1 users but 2 items"));
  EXPECT_THAT(error(ids({}), ids({})), HasSubstr("there are none"));
  EXPECT_THAT(error(Tensor::scalar(1), ids({0})), HasSubstr("must be integers"));
}

// Compares the frequencies of draws with the exact distribution, by chi-square.
void expect_distribution(const NegativeSampler& sampler, int64_t user,
                         const std::vector<double>& weights) {
  const Interactions& known = sampler.interactions();
  std::map<int64_t, double> expected;
  double total = 0.0;
  for (int64_t i = 0; i < known.n_items(); ++i)
    if (!known.contains(user, i)) total += weights[static_cast<size_t>(i)];
  for (int64_t i = 0; i < known.n_items(); ++i)
    if (!known.contains(user, i) && weights[static_cast<size_t>(i)] > 0)
      expected[i] = weights[static_cast<size_t>(i)] / total;
  const int n = 40000;
  std::map<int64_t, int> counts;
  const Philox philox{11};
  for (int k = 0; k < n; ++k) {
    const auto w = philox(static_cast<uint64_t>(k), static_cast<uint64_t>(user));
    const int64_t item = sampler.sample(user, static_cast<uint64_t>(w[0]) << 32 | w[1]);
    ASSERT_FALSE(known.contains(user, item)) << "user " << user << " has " << item;
    ASSERT_TRUE(expected.count(item)) << item;
    ++counts[item];
  }
  double chi_square = 0.0;
  for (const auto& [item, p] : expected) chi_square += std::pow(counts[item] - p * n, 2) / (p * n);
  const double degrees = static_cast<double>(expected.size()) - 1.0;
  EXPECT_LT(chi_square, degrees + 5 * std::sqrt(2 * degrees) + 5) << "user " << user;
}

TEST(NegativeSampler, draws_the_exact_distribution_and_never_a_known_item) {
  const Pairs p = some_pairs(8, 40);
  const auto known = std::make_shared<Interactions>(ids(p.users), ids(p.items), 9, 40);
  const auto counts = known->item_counts();
  for (double alpha : {0.0, 0.75, -0.5}) {
    const NegativeSampler sampler(known, alpha);
    std::vector<double> weights;
    for (int64_t c : counts) weights.push_back(std::pow(static_cast<double>(c), alpha));
    for (int64_t user : {0, 2, 3, 7, 8}) expect_distribution(sampler, user, weights);
    EXPECT_FALSE(sampler.possible(1));
    EXPECT_TRUE(sampler.possible(0));
    EXPECT_EQ(sampler.sample(0, ~uint64_t{0}), 5);
    EXPECT_EQ(sampler.sample(0, 0), 5);
  }
}

TEST(NegativeSampler, a_user_who_has_nearly_everything_gets_the_rest_by_weight) {
  // User 0 has all but four of 2,000 items, whose counts are 1, 2, 4, 8; user 1 has all but one.
  std::vector<int64_t> users, items;
  auto add = [&](int64_t u, int64_t i) {
    users.push_back(u);
    items.push_back(i);
  };
  const std::map<int64_t, int64_t> rest = {{0, 1}, {700, 2}, {701, 4}, {1999, 8}};
  for (int64_t i = 0; i < 2000; ++i) {
    if (!rest.contains(i)) add(0, i);
    if (i != 700) add(1, i);
  }
  for (const auto& [item, count] : rest)  // user 1 has all of them but 700
    for (int64_t u = 2; u < 2 + count - (item == 700 ? 0 : 1); ++u) add(u, item);
  const auto known = std::make_shared<Interactions>(ids(users), ids(items), 10, 2000);
  const auto counts = known->item_counts();
  for (double alpha : {0.75, -1.0}) {
    const NegativeSampler sampler(known, alpha);
    std::vector<double> weights;
    for (int64_t c : counts) weights.push_back(std::pow(static_cast<double>(c), alpha));
    for (int64_t user : {0, 1, 9}) expect_distribution(sampler, user, weights);
  }
}

TEST(NegativeSampler, a_long_tail_is_drawn_by_its_exact_shares) {
  // Counts by Zipf's law: shares from 1/400 to 1/400,000 and below meet in one alias table.
  std::vector<int64_t> users, items;
  std::mt19937 random(7);
  for (int64_t i = 0; i < 3000; ++i)
    for (int64_t u = 0; u < 1 + 900 / (i + 1); ++u) {
      users.push_back(static_cast<int64_t>(random() % 1000));
      items.push_back((i * 1009) % 3000);
    }
  const auto known = std::make_shared<Interactions>(ids(users), ids(items), 1000, 3000);
  const NegativeSampler sampler(known, 0.75);
  std::vector<double> weights;
  for (int64_t c : known->item_counts()) weights.push_back(std::pow(static_cast<double>(c), 0.75));
  for (int64_t user : {0, 500}) expect_distribution(sampler, user, weights);
}

TEST(NegativeSampler, draws_lines_by_seed_and_epoch) {
  const Pairs p = some_pairs(8, 40);
  const auto known = std::make_shared<Interactions>(ids(p.users), ids(p.items), 8, 40);
  const NegativeSampler sampler(known, 0.75);
  std::vector<int64_t> users(3000), items(users.size() * 3), again = items, other = items;
  for (size_t i = 0; i < users.size(); ++i) users[i] = static_cast<int64_t>(2 + i % 6);
  sampler.draw(users, 3, negatives_key(5, 1), items);
  sampler.draw({users.data(), 1000}, 3, negatives_key(5, 1), {again.data(), 3000});
  sampler.draw(users, 3, negatives_key(5, 2), other);
  const Philox philox{negatives_key(5, 1)};
  int64_t same = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(items[i],
              sampler.sample(users[i / 3], negative_bits(philox, static_cast<int64_t>(i))));
    EXPECT_FALSE(known->contains(users[i / 3], items[i]));
    if (i < 3000) {
      EXPECT_EQ(items[i], again[i]);
    }
    same += items[i] == other[i] ? 1 : 0;
  }
  EXPECT_LT(same, static_cast<int64_t>(items.size()) / 4);
  sampler.draw({}, 3, 0, {});
}

TEST(NegativeSampler, items_that_nobody_has_are_drawn_only_when_nothing_else_is_left) {
  const auto known = std::make_shared<Interactions>(ids({0, 0, 1}), ids({1, 2, 2}), 2, 5);
  const NegativeSampler sampler(known, 1.0);
  std::set<int64_t> of_0, of_1;
  for (uint64_t r = 0; r < 100; ++r) {
    of_0.insert(sampler.sample(0, r * 0x0290000000000000ULL));
    of_1.insert(sampler.sample(1, r * 0x0290000000000000ULL));
  }
  EXPECT_EQ(of_0, (std::set<int64_t>{0, 3, 4}));
  EXPECT_EQ(of_1, (std::set<int64_t>{1}));
}

TEST(NegativeSampler, draws_many_as_it_draws_one) {
  const Pairs p = some_pairs(8, 40);
  const auto known = std::make_shared<Interactions>(ids(p.users), ids(p.items), 8, 40);
  for (double alpha : {0.0, 0.75}) {
    const NegativeSampler sampler(known, alpha);
    std::vector<int64_t> users, items(1000);
    std::vector<uint64_t> random;
    for (uint64_t i = 0; i < items.size(); ++i) {
      users.push_back(static_cast<int64_t>(i % 8 == 1 ? 2 : i % 8));
      random.push_back(mix_key(i, 3));
    }
    sampler.sample(users, random, items);
    for (size_t i = 0; i < items.size(); ++i)
      EXPECT_EQ(items[i], sampler.sample(users[i], random[i]));
  }
}

// (user, item, label, weight) of a batch's rows.
using Row = std::tuple<int64_t, int64_t, float, float>;
std::vector<Row> rows_of(Dataset& data, int64_t epoch) {
  std::vector<Row> out;
  BatchBuffer b = data.make_buffer();
  for (int64_t index = 0; index < data.n_batches(); ++index) {
    data.fill(epoch, index, b);
    const auto& t = b.tensors();
    const size_t label = t.size() - 2;
    for (int64_t r = 0; r < b.rows(); ++r)
      out.emplace_back(static_cast<int64_t>(t[0].item(r)), static_cast<int64_t>(t[1].item(r)),
                       static_cast<float>(t[label].item(r)),
                       static_cast<float>(t[label + 1].item(r)));
  }
  return out;
}

TEST(NegativeSamplingDataset, each_positive_has_its_negatives) {
  const Pairs p = some_pairs(8, 40);
  const auto known = std::make_shared<Interactions>(ids(p.users), ids(p.items), 8, 40);
  const auto n = static_cast<int64_t>(p.users.size());
  Tensor weights(DType::f32, {n});
  for (int64_t i = 0; i < n; ++i) weights.data<float>()[i] = static_cast<float>(i);
  auto make = [&](bool shuffle, uint64_t seed = 4) {
    return NegativeSamplingDataset(ids(p.users), ids(p.items), 8, 40,
                                   {.negatives = 3, .weights = weights, .id_dtype = DType::i32},
                                   {.batch_size = 33, .shuffle = shuffle, .seed = seed});
  };
  auto data = make(true), in_order = make(false), other = make(true, 5);
  // 40 positives of user 1, who has everything, stay alone.
  EXPECT_EQ(data.n_samples(), (n - 40) * 4 + 40);
  std::map<std::pair<int64_t, float>, int> negatives;
  int64_t positives = 0;
  for (const auto& [u, i, label, w] : rows_of(data, 0)) {
    EXPECT_EQ(known->contains(u, i), label == 1.0F);
    EXPECT_EQ(p.users[static_cast<size_t>(w)], u);
    if (label == 1.0F) {
      ++positives;
      EXPECT_EQ(p.items[static_cast<size_t>(w)], i);
    } else {
      EXPECT_NE(u, 1);
      ++negatives[{u, w}];
    }
  }
  EXPECT_EQ(positives, n);
  EXPECT_EQ(static_cast<int64_t>(negatives.size()), n - 40);
  for (const auto& [key, count] : negatives) EXPECT_EQ(count, 3);

  // The samples don't depend on their order; epochs and seeds give others.
  auto sorted = [](std::vector<Row> rows) {
    std::sort(rows.begin(), rows.end());
    return rows;
  };
  EXPECT_EQ(sorted(rows_of(data, 1)), sorted(rows_of(in_order, 1)));
  EXPECT_EQ(rows_of(data, 1), rows_of(data, 1));
  EXPECT_NE(sorted(rows_of(data, 0)), sorted(rows_of(data, 1)));
  EXPECT_NE(sorted(rows_of(data, 0)), sorted(rows_of(other, 0)));
}

TEST(NegativeSamplingDataset, side_tables_and_history_follow_the_sample) {
  const Pairs p = some_pairs(8, 40);
  Tensor genres(DType::f32, {40, 2}), age(DType::i64, {8});
  for (int64_t i = 0; i < 80; ++i) genres.data<float>()[i] = static_cast<float>(i);
  for (int64_t i = 0; i < 8; ++i) age.data<int64_t>()[i] = 100 + i;
  const auto history = std::make_shared<HistoryBags>(ids(p.users), ids(p.items), 8, 40, 6);
  NegativeSamplingDataset data(
      ids(p.users), ids(p.items), 8, 40,
      {.side_tables = {{"genres", genres}, {"age", age, false}}, .history = history, .row = {}},
      {.batch_size = 50});
  EXPECT_EQ(data.fields().size(), 6U);
  BatchBuffer b = data.make_buffer();
  data.fill(0, 1, b);
  EXPECT_EQ(b.batch().x.size(), 5U);
  EXPECT_EQ(b.batch().x[0].sizes(), (Sizes{50}));
  for (int64_t r = 0; r < b.rows(); ++r) {
    const int64_t u = b.tensors()[0].data<int64_t>()[r], i = b.tensors()[1].data<int64_t>()[r];
    for (int64_t k = 0; k < 6; ++k) EXPECT_NE(b.tensors()[2].data<int64_t>()[r * 6 + k], i);
    EXPECT_EQ(b.tensors()[3].data<float>()[r * 2 + 1], static_cast<float>(2 * i + 1));
    EXPECT_EQ(b.tensors()[4].data<int64_t>()[r], 100 + u);
  }
}

TEST(NegativeSamplingDataset, mistakes_are_named) {
  auto error = [](const NegativeSamplingOptions& o, const std::vector<int64_t>& items = {0, 1}) {
    try {
      NegativeSamplingDataset(ids({0, 1}), ids(items), 3, 3, o);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(error({}), "no error");
  EXPECT_THAT(error({}, {0, 7}), HasSubstr("row 1: the item id 7"));
  EXPECT_THAT(error({.negatives = -1}), HasSubstr("negatives must be"));
  EXPECT_THAT(error({.alpha = NAN}), HasSubstr("alpha must be finite"));
  EXPECT_THAT(error({.weights = Tensor::from<float>({1, NAN}, {2})}), HasSubstr("row 1"));
  EXPECT_THAT(error({.weights = Tensor::from<float>({1}, {1})}), HasSubstr("1 weights for 2"));
  EXPECT_THAT(error({.side_tables = {{"t", Tensor::zeros(DType::f32, {2, 2})}}}),
              HasSubstr("'t' must have 3 rows"));
  EXPECT_THAT(error({.id_dtype = DType::f32}), HasSubstr("int32 or int64"));
}

TEST(HistoryBags, newest_first_padded_without_the_target) {
  const HistoryBags bags(ids({0, 1, 0, 0, 0}), ids({7, 3, 8, 9, 8}), 3, 10, 3);
  Tensor out(DType::i32, {4, 3});
  const std::vector<int64_t> users = {0, 1, 2}, targets = {8, 5, 1}, just = {0};
  bags.fill(users, targets, out);
  bags.fill(just, {}, out, 3);
  EXPECT_EQ(std::vector<int32_t>(out.data<int32_t>(), out.data<int32_t>() + 12),
            (std::vector<int32_t>{9, 7, -1, 3, -1, -1, -1, -1, -1, 8, 9, 8}));
  EXPECT_THROW(HistoryBags(ids({0}), ids({10}), 1, 10, 3), Error);
  EXPECT_THROW(HistoryBags(ids({0}), ids({1}), 1, 10, 0), Error);
}

}  // namespace
}  // namespace andiron::train
