#include "andiron/train/data/streamed_dataset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "andiron/base/error.hpp"
#include "andiron/train/data/batch_stream.hpp"
#include "andiron/train/data/sharded_dataset.hpp"

namespace andiron::train {
namespace {

using testing::HasSubstr;

const std::vector<TableColumn> kColumns = {{"id", DType::i64, {}}, {"pair", DType::f32, {2}}};

// Units of these sizes, numbered on, in blocks of `block` rows; `lie` more or fewer rows come.
StreamedRows rows_of(const std::vector<int64_t>& sizes, int64_t block, int64_t shuffle_rows,
                     int64_t lie = 0) {
  StreamedRows rows = {.columns = kColumns, .unit_rows = sizes, .shuffle_rows = shuffle_rows};
  rows.open = [sizes, block, lie](size_t unit) {
    const int64_t first =
        std::accumulate(sizes.begin(), sizes.begin() + static_cast<long>(unit), int64_t{0});
    const int64_t n = sizes[unit] + (unit == 0 ? lie : 0);
    return [first, n, block, at = int64_t{0}](TableBlock& out) mutable {
      if (at == n) return false;
      out.rows = std::min(block, n - at);
      out.columns = {Tensor(DType::i64, {out.rows}), Tensor(DType::f32, {out.rows, 2})};
      for (int64_t i = 0; i < out.rows; ++i, ++at) {
        out.columns[0].data<int64_t>()[i] = first + at;
        out.columns[1].data<float>()[2 * i] = static_cast<float>(first + at);
        out.columns[1].data<float>()[2 * i + 1] = static_cast<float>(-first - at);
      }
      return true;
    };
  };
  return rows;
}

std::vector<TableField> fields() {
  return {{{"pair", Field::Role::input, DType::f32, {2}}, {1}},
          {{"id", Field::Role::label, DType::i64, {}}, {0}}};
}

std::shared_ptr<StreamedDataset> dataset(StreamedRows rows, DataOptions options) {
  return std::make_shared<StreamedDataset>(std::move(rows), fields(), options);
}

void append(const BatchBuffer& batch, std::vector<int64_t>& ids) {
  for (int64_t r = 0; r < batch.rows(); ++r) {
    ids.push_back(batch.tensors()[1].data<int64_t>()[r]);
    EXPECT_EQ(batch.tensors()[0].data<float>()[2 * r], static_cast<float>(ids.back()));
    EXPECT_EQ(batch.tensors()[0].data<float>()[2 * r + 1], static_cast<float>(-ids.back()));
  }
}

std::vector<int64_t> epoch_of(Dataset& data, int64_t epoch) {
  std::vector<int64_t> ids;
  BatchBuffer batch = data.make_buffer();
  for (int64_t i = 0; i < data.n_batches(); ++i) {
    EXPECT_TRUE(data.fill(epoch, i, batch));
    append(batch, ids);
  }
  return ids;
}

std::vector<int64_t> range(int64_t n) {
  std::vector<int64_t> v(static_cast<size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

std::vector<int64_t> sorted(std::vector<int64_t> v) {
  std::sort(v.begin(), v.end());
  return v;
}

TEST(StreamedDataset, every_epoch_shows_each_row_once_in_another_order) {
  for (int64_t shuffle_rows : {1, 10, 333, 1000, 100'000}) {
    const auto data = dataset(rows_of({400, 0, 1, 599}, 37, shuffle_rows), {.batch_size = 64});
    const auto first = epoch_of(*data, 0), second = epoch_of(*data, 1);
    EXPECT_EQ(sorted(first), range(1000));
    EXPECT_EQ(sorted(second), range(1000));
    EXPECT_NE(first, range(1000));
    EXPECT_EQ(first, epoch_of(*data, 0));
  }
}

TEST(StreamedDataset, without_shuffling_rows_keep_their_order) {
  const auto data = dataset(rows_of({400, 600}, 37, 500), {.batch_size = 64, .shuffle = false});
  EXPECT_EQ(epoch_of(*data, 0), range(1000));
}

TEST(StreamedDataset, the_order_depends_on_neither_blocks_nor_batches) {
  const DataOptions options{.batch_size = 64, .seed = 3};
  const auto order = epoch_of(*dataset(rows_of({400, 600}, 1, 100), options), 2);
  EXPECT_EQ(epoch_of(*dataset(rows_of({400, 600}, 999, 100), options), 2), order);
  EXPECT_EQ(epoch_of(*dataset(rows_of({400, 600}, 64, 100), {.batch_size = 7, .seed = 3}), 2),
            order);
  EXPECT_NE(epoch_of(*dataset(rows_of({400, 600}, 64, 100), {.batch_size = 64, .seed = 4}), 2),
            order);
}

// With room for all rows the first one drawn is any of them; with room for ten, one of ten.
TEST(StreamedDataset, rows_are_shuffled_as_far_as_the_buffer_reaches) {
  for (int64_t room : {10, 1000}) {
    double sum = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      const auto data = dataset(rows_of({1000}, 100, room), {.batch_size = 1, .seed = seed});
      BatchBuffer batch = data->make_buffer();
      data->fill(0, 0, batch);
      const int64_t first = batch.tensors()[1].data<int64_t>()[0];
      EXPECT_LT(first, room);
      sum += static_cast<double>(first);
    }
    EXPECT_NEAR(sum / 200, static_cast<double>(room - 1) / 2, 0.07 * static_cast<double>(room));
  }
}

TEST(StreamedDataset, any_batch_can_be_asked_for) {
  const auto data = dataset(rows_of({5000, 4000, 3000}, 100, 800), {.batch_size = 30, .seed = 1});
  const auto whole = epoch_of(*data, 3);
  BatchBuffer batch = data->make_buffer();
  for (int64_t i : {20, 0, 399, 7}) {
    data->fill(0, i % 5, batch);  // another epoch in between
    data->fill(3, i, batch);
    for (int64_t r = 0; r < batch.rows(); ++r)
      EXPECT_EQ(batch.tensors()[1].data<int64_t>()[r], whole[static_cast<size_t>(i * 30 + r)]);
  }
}

TEST(StreamedDataset, a_stream_of_batches_goes_on_in_the_middle) {
  const auto data = dataset(rows_of({500, 500}, 100, 80), {.batch_size = 30, .seed = 1});
  const auto whole = epoch_of(*data, 1);
  BatchStream stream(data);
  stream.restore({.epoch = 1, .batch = 11, .seed = 1, .n_samples = 1000, .batch_size = 30});
  std::vector<int64_t> rest;
  while (const BatchBuffer* batch = stream.next()) append(*batch, rest);
  EXPECT_EQ(rest, std::vector<int64_t>(whole.begin() + 330, whole.end()));
}

TEST(StreamedDataset, shards_of_workers_give_every_row_once) {
  const std::vector<int64_t> sizes = {700, 300};
  std::vector<int64_t> all;
  for (int64_t worker : {0, 1}) {
    auto shard = dataset(rows_of({sizes[static_cast<size_t>(worker)]}, 64, 50), {.seed = 1});
    ShardedDataset own({{worker, shard}}, sizes, shard->fields(),
                       {.batch_size = 100, .shuffle = false});
    BatchBuffer batch = own.make_buffer();
    for (int64_t i = 0; i < own.n_batches(); ++i) {
      own.fill(0, i, batch);
      for (int64_t r = 0; r < batch.rows() && batch.share > 0; ++r)
        all.push_back(batch.tensors()[1].data<int64_t>()[r] + 700 * worker);
    }
  }
  EXPECT_EQ(sorted(all), range(1000));
}

TEST(StreamedDataset, files_that_changed_are_an_error) {
  for (int64_t lie : {-1, 1}) {
    const auto data = dataset(rows_of({100, 50}, 40, 20, lie), {.batch_size = 32});
    try {
      epoch_of(*data, 0);
      FAIL();
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr(lie < 0 ? "149 rows, fewer than the 150" : "more rows"));
    }
  }
}

TEST(StreamedDataset, an_error_of_a_unit_leaves_it_usable) {
  StreamedRows rows = rows_of({100, 100}, 40, 20);
  int failures = 1;
  rows.open = [open = rows.open, &failures](size_t unit) {
    if (unit == 1 && failures-- > 0) fail("the file is damaged");
    return open(unit);
  };
  const auto data = dataset(std::move(rows), {.batch_size = 32, .shuffle = false});
  BatchBuffer batch = data->make_buffer();
  for (int64_t i = 0; i < 3; ++i) data->fill(0, i, batch);
  EXPECT_THROW(data->fill(0, 3, batch), Error);
  EXPECT_EQ(epoch_of(*data, 0), range(200));
}

TEST(StreamedDataset, no_rows_are_an_error) {
  EXPECT_THROW(dataset(rows_of({0}, 1, 1), {}), Error);
  EXPECT_THROW(dataset(rows_of({10}, 1, 0), {}), Error);
}

}  // namespace
}  // namespace andiron::train
