#include "andiron/exec/native/embedding_kernels.hpp"

#include <gtest/gtest.h>

#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/exec/native/kernel_testing.hpp"
#include "andiron/ops/embedding/occurring_rows.hpp"
#include "andiron/ops/embedding/row_sparse.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::exec {
namespace {

using testing_support::expect_close;
using testing_support::expect_same_bits;
using testing_support::random_tensor;
using testing_support::run_kernel;
using testing_support::run_reference;

Tensor random_ids(int64_t n, int64_t low, int64_t high, DType dtype = DType::i64) {
  Tensor t(DType::i64, {n});
  for (int64_t i = 0; i < n; ++i) {
    const float u = uniform_float(Philox{7}(static_cast<uint64_t>(i))[0]);
    t.data<int64_t>()[i] = low + static_cast<int64_t>(u * u * static_cast<float>(high - low));
  }
  return t.cast(dtype);
}

TEST(Dedup, equals_a_stable_sort) {
  struct Size {
    int64_t n, low, n_rows;
  };
  for (const Size s : {Size{0, 0, 5}, Size{1, 0, 1}, Size{1000, 0, 6040}, Size{50000, 0, 3706},
                       Size{40000, 0, 1000000}, Size{30000, -300, 900}, Size{100, -5, 0},
                       Size{20000, 0, 2000000000}}) {
    for (DType dtype : {DType::i32, DType::i64}) {
      const Tensor ids = random_ids(s.n, s.low, s.n_rows, dtype);
      const ops::Dedup d = ops::dedup(input("ids", dtype, {s.n}), s.n_rows);
      const std::vector<Tensor> want = run_reference(d.order.node(), {ids});
      for (int threads : {1, 2, 3}) {
        const auto got = run_kernel(d.order.node(), {ids}, {.threads = threads});
        EXPECT_EQ(got.kernel, "radix sort");
        for (size_t i = 0; i < want.size(); ++i) expect_same_bits(got.dst[i], want[i]);
      }
    }
  }
}

TEST(Dedup, far_negative_ids_are_padding) {
  const Tensor ids = Tensor::from<int64_t>({3, -4294967296, 3, INT64_MIN, 0}, {5});
  const ops::Dedup d = ops::dedup(input("ids", DType::i64, {5}), 4);
  const auto got = run_kernel(d.order.node(), {ids});
  EXPECT_EQ(got.dst[3].item(), 2);
  EXPECT_EQ(got.dst[2].item(2), 3);
}

TEST(EmbeddingKernels, bad_ids_are_named) {
  for (int threads : {1, 2}) {
    Tensor ids = random_ids(3000, 0, 50, DType::i32);
    ids.data<int32_t>()[1234] = 50;
    ids.data<int32_t>()[2900] = -7;
    const Value id_input = input("ids", DType::i32, {3000});
    const Value table = input("table", DType::f32, {50, 20});
    try {
      run_kernel(ops::embedding(table, id_input).node(), {random_tensor(table.type(), 1), ids},
                 {.threads = threads});
      FAIL();
    } catch (const Error& e) {
      EXPECT_STREQ(e.what(),
                   "[embedding] ids must be row numbers of the table, 0 to 49; got 50 at position "
                   "1234");
    }
    EXPECT_THROW(run_kernel(ops::dedup(id_input, 50).order.node(), {ids}), Error);
    const Value values = input("values", DType::f32, {3000, 4});
    EXPECT_THROW(run_kernel(ops::embedding_grad_dense(id_input, values, 50).node(),
                            {ids, random_tensor(values.type(), 1)}, {.threads = threads}),
                 Error);
  }
}

TEST(EmbeddingKernels, look_ups_write_rows_apart) {
  const Value table = input("table", DType::f32, {500, 37});
  const Value ids = input("ids", DType::i64, {2000});
  const Value rows = ops::embedding(table, ids);
  const Node& node = rows.node();
  const std::vector<Tensor> src = {random_tensor(table.type(), 1), random_ids(2000, 0, 500)};
  for (int threads : {1, 2}) {
    const auto got = run_kernel(node, src, {.threads = threads, .dst_gap = 11});
    EXPECT_EQ(got.kernel, "gather rows");
    expect_same_bits(got.dst[0], run_reference(node, src)[0]);
  }
}

TEST(EmbeddingKernels, dense_gradients_add_up_in_order) {
  for (const int64_t width : {1, 5, 40, 200}) {
    const Value ids = input("ids", DType::i64, {4000});
    const Value values = input("values", DType::f32, {4000, width});
    const Value matrix = ops::embedding_grad_dense(ids, values, 90);
    const Node& node = matrix.node();
    const std::vector<Tensor> src = {random_ids(4000, -9, 90), random_tensor(values.type(), 2)};
    const Tensor want = run_reference(node, src)[0];
    for (int threads : {1, 2}) {
      const auto got = run_kernel(node, src, {.threads = threads, .src_gap = 3});
      expect_same_bits(got.dst[0], want);
      const auto added = run_kernel(node, src, {.threads = threads, .accumulate = {true}});
      for (int64_t i = 0; i < want.count(); ++i)
        ASSERT_NEAR(added.dst[0].item(i), want.item(i) + 1, 1e-4);
    }
  }
}

TEST(EmbeddingKernels, bags_and_sums_equal_the_reference) {
  const Value table = input("table", DType::f32, {300, 33});
  const Value ids = input("ids", DType::i64, {900, 4});
  const Value weights = input("weights", DType::f32, {900, 4});
  for (const char* combiner : {"sum", "mean"}) {
    const Value bags = ops::embedding_bag(table, ids, weights, combiner);
    const Node& node = bags.node();
    const std::vector<Tensor> src = {random_tensor(table.type(), 1),
                                     random_ids(3600, -100, 300).reshape({900, 4}),
                                     random_tensor(weights.type(), 2, 0.1, 1)};
    for (int threads : {1, 2})
      expect_close(run_kernel(node, src, {.threads = threads}).dst[0], run_reference(node, src)[0],
                   1e-5, 1e-6);
  }
  const Value flat = input("ids", DType::i64, {5000});
  const Value values = input("values", DType::f32, {5000, 20});
  const ops::Dedup d = ops::dedup(flat, 700);
  std::vector<Tensor> src = run_reference(d.order.node(), {random_ids(5000, -9, 700)});
  src.erase(src.begin() + 1);
  src.push_back(random_tensor(values.type(), 3));
  const Value summed = ops::sum_segments(d, values);
  const Node& sums = summed.node();
  for (int threads : {1, 2})
    expect_same_bits(run_kernel(sums, src, {.threads = threads, .src_gap = 4}).dst[0],
                     run_reference(sums, src)[0]);
}

TEST(EmbeddingKernels, occurring_rows_equal_the_reference) {
  const Value ids = input("ids", DType::i64, {5000});
  const Value table = input("table", DType::f32, {700, 33});
  const ops::Dedup d = ops::dedup(ids, 700);
  {
    const Tensor drawn = random_ids(5000, 0, 690);
    const std::vector<Tensor> sorted = run_reference(d.order.node(), {drawn});
    const Value places = ops::occurring_places(ids, d), rows = ops::occurring_rows(table, d, 700);
    const Tensor values = random_tensor(table.type(), 4);
    for (int threads : {1, 2}) {
      const std::vector<Tensor> of_places = {drawn, sorted[0], sorted[2], sorted[3]};
      const std::vector<Tensor> of_rows = {values, sorted[1], sorted[3]};
      const Tensor place = run_kernel(places.node(), of_places, {.threads = threads}).dst[0];
      const Tensor row = run_kernel(rows.node(), of_rows, {.threads = threads}).dst[0];
      expect_same_bits(place, run_reference(places.node(), of_places)[0]);
      for (int64_t i = 0; i < 5000; ++i) {
        const int64_t id = drawn.data<int64_t>()[i], at = place.data<int32_t>()[i];
        ASSERT_EQ(row.data<float>()[at * 33], values.data<float>()[id * 33]);
      }
    }
  }
}

TEST(EmbeddingKernels, places_of_negative_ids_are_errors_with_their_own_words) {
  const Value ids = input("ids", DType::i64, {600});
  const ops::Dedup d = ops::dedup(ids, 5000);
  const Value places = ops::occurring_places(ids, d);
  const Tensor drawn = random_ids(600, 0, 5000);
  drawn.data<int64_t>()[17] = -4294967293;  // 3 in 32 bits
  const std::vector<Tensor> sorted = run_reference(d.order.node(), {drawn});
  const std::vector<Tensor> src = {drawn, sorted[0], sorted[2], sorted[3]};
  for (const bool fast : {false, true}) {
    try {
      fast ? run_kernel(places.node(), src).dst : run_reference(places.node(), src);
      ADD_FAILURE() << "no error";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("-4294967293"), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("4999"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace andiron::exec
