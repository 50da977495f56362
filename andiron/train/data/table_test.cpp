#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <random>

#include "andiron/base/error.hpp"
#include "andiron/io/arrow/arrow_testing.hpp"
#include "andiron/io/file_testing.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/data/batch_stream.hpp"
#include "andiron/train/data/rank_search.hpp"
#include "andiron/train/data/table_dataset.hpp"

namespace andiron::train {
namespace {

using testing::HasSubstr;

const std::vector<TableColumn> kColumns = {{"id", DType::i64, {}}, {"pair", DType::f32, {2}}};

// Row i of the data: id i, pair (i, -i). `ids` in blocks of these sizes, again and again.
std::shared_ptr<Table> table_of(const std::vector<int64_t>& ids, std::vector<int64_t> sizes,
                                TableOptions options = {}) {
  TableBuilder builder(std::move(options));
  size_t at = 0;
  for (size_t b = 0; at < ids.size(); ++b) {
    const auto n = std::min(sizes[b % sizes.size()], static_cast<int64_t>(ids.size() - at));
    TableBlock block{n, {Tensor(DType::i64, {n}), Tensor(DType::f32, {n, 2})}};
    for (int64_t i = 0; i < n; ++i, ++at) {
      block.columns[0].data<int64_t>()[i] = ids[at];
      block.columns[1].data<float>()[2 * i] = static_cast<float>(ids[at]);
      block.columns[1].data<float>()[2 * i + 1] = static_cast<float>(-ids[at]);
    }
    builder.add(kColumns, std::move(block));
  }
  return builder.finish();
}

std::vector<int64_t> range(int64_t n) {
  std::vector<int64_t> v(static_cast<size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

std::vector<int64_t> permuted(int64_t n, unsigned seed) {
  std::vector<int64_t> v = range(n);
  std::shuffle(v.begin(), v.end(), std::mt19937(seed));
  return v;
}

std::vector<TableField> fields() {
  return {{{"pair", Field::Role::input, DType::f32, {2}}, {1}},
          {{"id", Field::Role::label, DType::i64, {}}, {0}}};
}

// The ids of one epoch in order, each with its own pair.
std::vector<int64_t> epoch_of(const std::shared_ptr<Dataset>& data, int64_t epoch) {
  std::vector<int64_t> all;
  BatchBuffer batch = data->make_buffer();
  for (int64_t i = 0; i < data->n_batches(); ++i) {
    EXPECT_TRUE(data->fill(epoch, i, batch));
    for (int64_t r = 0; r < batch.rows(); ++r) {
      const auto id = batch.tensors()[1].data<int64_t>()[r];
      EXPECT_EQ(batch.tensors()[0].data<float>()[2 * r], static_cast<float>(id));
      EXPECT_EQ(batch.tensors()[0].data<float>()[2 * r + 1], static_cast<float>(-id));
      all.push_back(id);
    }
  }
  return all;
}

std::vector<int64_t> sorted(std::vector<int64_t> v) {
  std::sort(v.begin(), v.end());
  return v;
}

TEST(Table, in_memory_gives_the_batches_of_arrays) {
  const int64_t n = 1000;
  const DataOptions options{.batch_size = 64, .seed = 5};
  const auto rows = table_of(range(n), {n});
  ArrayDataset arrays(
      {{{"pair", rows->blocks()[0].columns[1]}}, {{"id", rows->blocks()[0].columns[0]}}}, options);
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{n}, {1}, {7, 100, 3}}) {
    const auto data = make_dataset(table_of(range(n), sizes), fields(), options);
    for (int64_t epoch : {0, 1}) {
      BatchBuffer a = arrays.make_buffer(), b = data->make_buffer();
      for (int64_t i = 0; i < data->n_batches(); ++i) {
        arrays.fill(epoch, i, a);
        data->fill(epoch, i, b);
        ASSERT_EQ(a.rows(), b.rows());
        for (size_t t : {0, 1})
          EXPECT_EQ(
              std::memcmp(a.tensors()[t].raw(), b.tensors()[t].raw(), a.tensors()[t].n_bytes()), 0);
      }
    }
  }
}

TEST(Table, columns_lie_side_by_side_and_are_converted) {
  const auto data = make_dataset(table_of({1, 2, 3}, {2}),
                                 {{{"all", Field::Role::input, DType::f64, {3}}, {0, 1}}},
                                 {.batch_size = 3, .shuffle = false});
  BatchBuffer batch = data->make_buffer();
  data->fill(0, 0, batch);
  const double expected[] = {1, 1, -1, 2, 2, -2, 3, 3, -3};
  for (int64_t i = 0; i < 9; ++i) EXPECT_EQ(batch.tensors()[0].item(i), expected[i]);
}

std::string message(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Table, mistakes_are_named) {
  const auto ints = [](DType dtype) {
    return std::vector<TableField>{{{"x", Field::Role::input, dtype, {}}, {0}}};
  };
  const auto fill = [&](const std::vector<TableField>& f, std::vector<int64_t> ids) {
    return message([&] {
      const auto data = make_dataset(table_of(ids, {3}), f, {.batch_size = 8});
      BatchBuffer batch = data->make_buffer();
      data->fill(0, 0, batch);
    });
  };
  EXPECT_THAT(fill(ints(DType::i32), {1, int64_t{1} << 40}),
              HasSubstr("column 'id' has numbers that int32 cannot hold, which 'x' takes"));
  EXPECT_THAT(fill(ints(DType::u8), {-1}), HasSubstr("uint8 cannot hold"));
  EXPECT_EQ(fill(ints(DType::u8), {255}), "no error");
  auto wide = ints(DType::f32);
  wide[0].field.row = {4};
  EXPECT_THAT(fill(wide, {1}), HasSubstr("'x' takes 4 numbers a row, and its columns have 1"));
  EXPECT_THAT(message([] { table_of({}, {1}); }), HasSubstr("0 samples"));
}

// Found by tests/fuzz/arrow_fuzz.cpp: rows without columns are whatever number a batch claims.
TEST(Table, no_columns_are_an_error) {
  namespace arrow = io::arrow;
  arrow::HandMade batch = arrow::batch_of({arrow::numbers<int64_t>("l", "id", {1, 2})});
  batch.length = int64_t{1} << 62;
  ArrowArrayStream source;
  arrow::make_stream({.batches = {batch}}, &source, std::make_shared<arrow::Calls>());
  arrow::Stream stream(&source);
  EXPECT_THAT(message([&] { BlockReader(stream, {}); }), HasSubstr("no column is asked for"));
}

TEST(Table, class_weights_multiply) {
  std::vector<TableField> f = fields();
  f.push_back({{"w", Field::Role::weight, DType::f32, {}}, {}, {{1, 3.0}, {2, 0.5}}});
  const auto data = make_dataset(table_of({1, 2, 3}, {3}), f, {.batch_size = 3, .shuffle = false});
  BatchBuffer batch = data->make_buffer();
  data->fill(0, 0, batch);
  EXPECT_EQ(batch.tensors()[2].item(0), 3.0);
  EXPECT_EQ(batch.tensors()[2].item(1), 0.5);
  EXPECT_EQ(batch.tensors()[2].item(2), 1.0);
}

constexpr int64_t kSmall = 5120;  // bytes: blocks of 20 rows, by content of 10

TEST(Spill, every_epoch_shows_each_row_once_in_another_order) {
  for (bool by_content : {false, true})
    for (int64_t n : {401, 1000, 2003})
      for (int64_t batch : {1, 64, 10000}) {
        const auto table =
            table_of(range(n), {13}, {.memory_budget = kSmall, .by_content = by_content});
        ASSERT_NE(table->spill(), nullptr);
        EXPECT_TRUE(table->blocks().empty());
        const auto data = make_dataset(table, fields(), {.batch_size = batch, .seed = 1});
        const auto first = epoch_of(data, 0), second = epoch_of(data, 1);
        EXPECT_EQ(sorted(first), range(n));
        EXPECT_EQ(sorted(second), range(n));
        EXPECT_NE(first, second);
        EXPECT_EQ(first, epoch_of(data, 0));
      }
}

TEST(Spill, any_batch_can_be_asked_for) {
  const auto table = table_of(range(1000), {100}, {.memory_budget = kSmall});
  const auto data = make_dataset(table, fields(), {.batch_size = 30, .seed = 1});
  const auto whole = epoch_of(data, 3);
  BatchBuffer batch = data->make_buffer();
  for (int64_t i : {20, 0, 33, 7}) {
    data->fill(0, i % 5, batch);  // another epoch in between
    data->fill(3, i, batch);
    for (int64_t r = 0; r < batch.rows(); ++r)
      EXPECT_EQ(batch.tensors()[1].data<int64_t>()[r], whole[static_cast<size_t>(i * 30 + r)]);
  }
}

TEST(Spill, without_shuffling_rows_keep_their_order) {
  const auto table = table_of(range(1000), {100}, {.memory_budget = kSmall});
  EXPECT_EQ(epoch_of(make_dataset(table, fields(), {.batch_size = 7, .shuffle = false}), 0),
            range(1000));
}

TEST(Spill, a_range_of_rows) {
  for (bool spilled : {false, true}) {
    const auto table =
        table_of(range(1000), {100}, {.memory_budget = spilled ? kSmall : int64_t{0}});
    for (const auto& [first, n] : {std::pair{0, 333}, {333, 667}, {999, 1}, {5, 3}}) {
      const auto data = make_dataset(table, fields(), {.batch_size = 50, .seed = 2}, first, n);
      std::vector<int64_t> expected(static_cast<size_t>(n));
      std::iota(expected.begin(), expected.end(), first);
      EXPECT_EQ(sorted(epoch_of(data, 4)), expected);
    }
  }
}

TEST(Content, orders_do_not_depend_on_how_rows_came) {
  // Also with a third of the rows equal, more than a block holds.
  for (int64_t equal : {0, 300})
    for (int64_t budget : {int64_t{0}, kSmall}) {
      std::vector<std::vector<int64_t>> epochs;
      std::vector<TableDigest> digests;
      std::vector<uint64_t> keys;
      for (unsigned seed : {1, 2, 3}) {
        std::vector<int64_t> ids = permuted(1000, seed);
        for (int64_t& id : ids)
          if (id < equal) id = 0;
        const auto table = table_of(ids, {static_cast<int64_t>(7 * seed), 90},
                                    {.memory_budget = budget, .by_content = true});
        epochs.push_back(epoch_of(make_dataset(table, fields(), {.batch_size = 64, .seed = 9}), 2));
        digests.push_back(table->digest());
        keys.push_back(digest_of(*table, 0, 1000));
      }
      EXPECT_EQ(epochs[0], epochs[1]);
      EXPECT_EQ(epochs[0], epochs[2]);
      EXPECT_EQ(digests[0].str(), digests[1].str());
      EXPECT_EQ(keys[0], keys[2]);
      EXPECT_NE(digests[0].sequence, digests[1].sequence);
    }
}

TEST(Content, digests_tell_data_apart) {
  const auto digest = [](std::vector<int64_t> ids) { return table_of(ids, {2})->digest().str(); };
  const std::string one = digest({1, 2, 3, 3});
  EXPECT_EQ(one, digest({3, 1, 3, 2}));
  for (const std::vector<int64_t>& other :
       {std::vector<int64_t>{1, 2, 3}, {1, 2, 3, 4}, {1, 2, 2, 3}, {1, 1, 3, 3}, {0, 3, 3, 3}})
    EXPECT_NE(one, digest(other));
  // Without a content order, the order of the rows counts.
  const auto a = table_of({1, 2, 3}, {3}), b = table_of({2, 1, 3}, {3}),
             c = table_of({1, 2, 3}, {1});
  EXPECT_NE(digest_of(*a, 0, 3), digest_of(*b, 0, 3));
  EXPECT_EQ(digest_of(*a, 0, 3), digest_of(*c, 0, 3));
  EXPECT_NE(digest_of(*a, 0, 3), digest_of(*a, 0, 2));
}

TEST(Content, hashes_have_no_pattern) {
  // Small integers: about half of all bits are set, and none is always the same.
  const auto table = table_of(range(4096), {4096});
  int64_t ones[128] = {};
  for (const RowHash& h : table->row_hashes())
    for (int bit = 0; bit < 64; ++bit) {
      ones[bit] += h.low >> bit & 1;
      ones[64 + bit] += h.high >> bit & 1;
    }
  for (int64_t n : ones) EXPECT_NEAR(static_cast<double>(n), 2048.0, 6 * 32.0);
}

TEST(Spill, the_file_is_gone_at_once_and_a_full_disk_is_an_error) {
  const io::TemporaryFolder folder;
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(folder.path()), {});
  };
  {
    const auto table =
        table_of(range(1000), {100}, {.memory_budget = kSmall, .spill_folder = folder.path()});
    EXPECT_EQ(files(), 0);
    EXPECT_TRUE(std::filesystem::exists(table->spill()->open_path()));
  }
  const io::FileSizeLimit limit(4096);
  const std::string error = message([&] {
    table_of(range(1000), {100}, {.memory_budget = kSmall, .spill_folder = folder.path()});
  });
  EXPECT_THAT(error, HasSubstr("cannot write '" + folder.path() + "/andiron-spill"));
  EXPECT_EQ(files(), 0);
  EXPECT_THAT(message([&] {
                table_of(range(1000), {100}, {.memory_budget = 1, .spill_folder = "/nowhere"});
              }),
              HasSubstr("cannot create '/nowhere/andiron-spill"));
}

TEST(RankSearch, agrees_with_sorting) {
  std::mt19937_64 random(1);
  for (int equal : {0, 1}) {
    std::vector<std::vector<RowHash>> runs;
    std::vector<RowHash> all;
    for (int64_t n : {3000, 1, 5000, 1024}) {
      std::vector<RowHash> run;
      for (int64_t i = 0; i < n; ++i)
        run.push_back(equal && i % 2 == 0 ? RowHash{7, 7} : RowHash{random(), random()});
      std::sort(run.begin(), run.end());
      all.insert(all.end(), run.begin(), run.end());
      runs.push_back(std::move(run));
    }
    std::sort(all.begin(), all.end());
    RankSearch search([&](size_t r, int64_t begin, int64_t end, RowHash* out) {
      std::copy(runs[r].begin() + begin, runs[r].begin() + end, out);
      return success();
    });
    for (const auto& run : runs) search.add_run(run.data(), static_cast<int64_t>(run.size()));
    for (int64_t q : {1, 100, 4000, 4001, 9000, 9024}) {
      const std::vector<int64_t> split = search.split(q).value_or_throw();
      std::vector<RowHash> first;
      for (size_t r = 0; r < runs.size(); ++r)
        first.insert(first.end(), runs[r].begin(), runs[r].begin() + split[r]);
      std::sort(first.begin(), first.end());
      EXPECT_EQ(first, std::vector<RowHash>(all.begin(), all.begin() + q)) << q;
    }
  }
}

}  // namespace
}  // namespace andiron::train
