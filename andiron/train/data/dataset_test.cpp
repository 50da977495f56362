#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <set>
#include <thread>

#include "andiron/base/error.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/data/batch_stream.hpp"

namespace andiron::train {
namespace {

using testing::HasSubstr;

Tensor range(int64_t n, DType dtype = DType::i64) {
  std::vector<int64_t> v(static_cast<size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return Tensor::from(v, {n}).cast(dtype);
}

std::shared_ptr<ArrayDataset> ids(int64_t n, DataOptions options) {
  return std::make_shared<ArrayDataset>(ArrayData{{{"id", range(n)}}}, options);
}

std::vector<int64_t> values(const BatchBuffer& b) {
  const Tensor& t = b.tensors()[0];
  return {t.data<int64_t>(), t.data<int64_t>() + t.count()};
}

// All ids of one epoch, in order.
std::vector<int64_t> epoch_of(BatchStream& stream) {
  std::vector<int64_t> all;
  while (const BatchBuffer* b = stream.next()) {
    const auto v = values(*b);
    all.insert(all.end(), v.begin(), v.end());
  }
  return all;
}

TEST(ArrayDataset, every_batch_size_shows_each_sample_once) {
  for (int64_t batch : {1, 3, 7, 10, 11, 1000}) {
    BatchStream stream(ids(10, {.batch_size = batch, .seed = 3}));
    for (int epoch = 0; epoch < 3; ++epoch) {
      auto all = epoch_of(stream);
      std::sort(all.begin(), all.end());
      std::vector<int64_t> expected(10);
      std::iota(expected.begin(), expected.end(), 0);
      EXPECT_EQ(all, expected);
    }
  }
}

TEST(ArrayDataset, the_last_batch_is_short_or_dropped) {
  auto sizes = [](bool drop, int64_t batch) {
    BatchStream stream(ids(10, {.batch_size = batch, .drop_last = drop}));
    std::vector<int64_t> out;
    while (const BatchBuffer* b = stream.next()) out.push_back(b->rows());
    return out;
  };
  EXPECT_EQ(sizes(false, 4), (std::vector<int64_t>{4, 4, 2}));
  EXPECT_EQ(sizes(true, 4), (std::vector<int64_t>{4, 4}));
  EXPECT_EQ(sizes(false, 99), (std::vector<int64_t>{10}));
  EXPECT_EQ(sizes(true, 99), (std::vector<int64_t>{10}));
}

TEST(ArrayDataset, order_depends_on_seed_and_epoch_only) {
  BatchStream a(ids(100, {.batch_size = 7, .seed = 1}), 0),
      b(ids(100, {.batch_size = 9, .seed = 1}), 4);
  BatchStream c(ids(100, {.batch_size = 7, .seed = 2}));
  const auto first = epoch_of(a);
  EXPECT_EQ(first, epoch_of(b));
  EXPECT_NE(first, epoch_of(c));
  const auto second = epoch_of(a);
  EXPECT_NE(first, second);
  EXPECT_EQ(second, epoch_of(b));
  BatchStream in_order(ids(5, {.batch_size = 2, .shuffle = false}));
  EXPECT_EQ(epoch_of(in_order), (std::vector<int64_t>{0, 1, 2, 3, 4}));
}

TEST(ArrayDataset, rows_of_all_columns_stay_together) {
  for (DType dtype : kAllDTypes) {
    const int64_t n = 50;
    Tensor wide = Tensor::zeros(DType::i64, {n, 2, 3});
    for (int64_t i = 0; i < wide.count(); ++i) wide.data<int64_t>()[i] = i % 100;
    wide = wide.cast(dtype);
    // A strided view: axis 1 and 2 swapped.
    const Tensor swapped(wide.buffer(), dtype, {n, 3, 2}, {6, 1, 3}, 0);
    // A column of a matrix.
    const Tensor column(wide.buffer(), dtype, {n}, {6}, static_cast<int64_t>(size_of(dtype)));
    ArrayDataset data({{{"id", range(n)}, {"wide", wide}, {"swapped", swapped}},
                       {{"label", column}},
                       {{"weight", range(n, DType::f32)}}},
                      {.batch_size = 16, .seed = 5});
    BatchBuffer b = data.make_buffer();
    for (int64_t index = 0; index < data.n_batches(); ++index) {
      data.fill(2, index, b);
      EXPECT_EQ(b.batch().x.size(), 3U);
      EXPECT_EQ(b.batch().y.size(), 1U);
      EXPECT_EQ(b.batch().sample_weight.size(), 1U);
      EXPECT_EQ(b.batch().y[0].size(0), b.rows());
      for (int64_t r = 0; r < b.rows(); ++r) {
        const int64_t id = b.tensors()[0].data<int64_t>()[r];
        EXPECT_EQ(b.tensors()[4].data<float>()[r], static_cast<float>(id));
        EXPECT_EQ(b.tensors()[3].item(r), wide.item(id * 6 + 1));
        for (int64_t k = 0; k < 6; ++k) {
          EXPECT_EQ(b.tensors()[1].item(r * 6 + k), wide.item(id * 6 + k));
          EXPECT_EQ(b.tensors()[2].item(r * 6 + k), swapped.item(id * 6 + k));
        }
      }
    }
  }
}

TEST(ArrayDataset, mistakes_name_the_column_and_the_row) {
  auto error = [](ArrayData data, DataOptions options = {}) {
    try {
      ArrayDataset d(std::move(data), options);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error({{{"x", range(3)}}, {{"y", range(4)}}}),
              HasSubstr("one length; 'x' has 3 rows and 'y' has 4"));
  EXPECT_THAT(error({{{"x", range(0)}}}), HasSubstr("no samples"));
  EXPECT_THAT(error({{}}), HasSubstr("at least one input"));
  EXPECT_THAT(error({{{"x", Tensor::scalar(1)}}}), HasSubstr("'x' must have the samples along"));
  EXPECT_THAT(error({{{"x", range(3)}}}, {.batch_size = 0}), HasSubstr("batch_size must be"));
  Tensor labels = Tensor::zeros(DType::f32, {20, 2});
  labels.data<float>()[35] = NAN;
  EXPECT_THAT(error({{{"x", range(20)}}, {{"y", labels}}}),
              HasSubstr("'y' must be finite; row 17 is nan"));
  EXPECT_EQ(error({{{"x", range(20)}}, {{"y", labels}}, {}, false}), "no error");
}

TEST(BatchStream, a_restored_stream_goes_on_as_it_would_have) {
  for (int ahead : {0, 1, 3}) {
    auto make = [&] {
      return std::make_unique<BatchStream>(ids(23, {.batch_size = 4, .seed = 9}), ahead);
    };
    // A trace of three epochs; -1 marks their ends.
    auto trace = [](BatchStream& s, int steps) {
      std::vector<int64_t> out;
      for (int i = 0; i < steps; ++i) {
        const BatchBuffer* b = s.next();
        if (b == nullptr) {
          out.push_back(-1);
        } else {
          const auto v = values(*b);
          out.insert(out.end(), v.begin(), v.end());
        }
      }
      return out;
    };
    for (int stop = 0; stop < 20; ++stop) {
      auto undisturbed = make(), first = make(), resumed = make();
      trace(*undisturbed, stop);
      trace(*first, stop);
      trace(*resumed, 5);
      resumed->restore(first->position());
      EXPECT_EQ(resumed->position(), first->position());
      EXPECT_EQ(trace(*resumed, 15), trace(*undisturbed, 15)) << stop << " ahead " << ahead;
    }
  }
}

TEST(BatchStream, a_position_of_other_data_is_refused) {
  BatchStream a(ids(23, {.batch_size = 4})), b(ids(24, {.batch_size = 4}));
  EXPECT_THROW(a.restore(b.position()), Error);
  DataPosition p = a.position();
  p.batch = 7;
  EXPECT_THROW(a.restore(p), Error);
  EXPECT_THROW(BatchStream(ids(3, {}), -1), Error);
}

// Takes its time, and throws in the third batch when asked to.
class SlowDataset : public Dataset {
 public:
  SlowDataset(int64_t n, int64_t batch, bool fails)
      : Dataset("slow", {.batch_size = batch}), fails_(fails) {
    set_samples({{"x", Field::Role::input, DType::f32, {}}}, n);
  }

 protected:
  void gather(std::span<const int64_t>, int64_t, BatchBuffer& out, int64_t) override {
    if (fails_ && out.index == 2) fail("[slow] row 17");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

 private:
  bool fails_;
};

TEST(BatchStream, exceptions_of_the_thread_reach_the_consumer) {
  BatchStream stream(std::make_shared<SlowDataset>(100, 10, true));
  EXPECT_NE(stream.next(), nullptr);
  EXPECT_NE(stream.next(), nullptr);
  EXPECT_THROW(stream.next(), Error);
  EXPECT_THROW(stream.next(), Error);  // and stays broken
  stream.restore({0, 0, 0, 100, 10});
  EXPECT_NE(stream.next(), nullptr);
}

TEST(BatchStream, stops_at_once_in_the_middle_of_a_batch) {
  // A batch takes a second.
  auto stream =
      std::make_unique<BatchStream>(std::make_shared<SlowDataset>(4'000'000, 2'000'000, false));
  EXPECT_NE(stream->next(), nullptr);
  const auto start = std::chrono::steady_clock::now();
  stream.reset();  // the second batch is under way
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
}

TEST(BatchStream, buffers_are_used_again) {
  BatchStream stream(ids(1000, {.batch_size = 10}), 2);
  std::set<const void*> addresses;
  for (int i = 0; i < 150; ++i)
    if (const BatchBuffer* b = stream.next()) addresses.insert(b->tensors()[0].raw());
  EXPECT_EQ(addresses.size(), 3U);
}

}  // namespace
}  // namespace andiron::train
