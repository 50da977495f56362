#include "andiron/passes/tile.hpp"

#include <gtest/gtest.h>

#include "andiron/ops/embedding/row_sparse.hpp"
#include "andiron/ops/matmul/counted_matmul.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron {
namespace {

const Dim kBatch = Dim::symbol("batch");

Value weights(const char* name) {
  return read(std::make_shared<Variable>(name, Tensor::zeros(DType::f32, {8, 8})));
}

TEST(Tiling, counts_the_layers_that_wait_for_the_whole_batch) {
  const Value x = input("x", DType::f32, {kBatch, 8});
  const Value h = ops::matmul(x, weights("a"));
  const Value centred = h - ops::mean(h, {0});  // of all rows
  const Value y = ops::matmul(ops::matmul(centred, weights("b")), weights("c"));
  const Tiling tiling = classify(Graph({x}, {y}), "batch");
  EXPECT_TRUE(tiling.has_body);
  EXPECT_EQ(tiling.heavy, 1);
  EXPECT_EQ(tiling.kept_out, 2);
}

TEST(Tiling, what_is_never_done_by_tiles_does_not_count_against_them) {
  const Value x = input("x", DType::f32, {kBatch, 8});
  const Value ids = input("ids", DType::i32, {kBatch});
  const Value h = ops::matmul(x, weights("a"));
  const ops::Dedup rows = ops::dedup(ids, 100);
  const Value sums = ops::sum_segments(rows, h);
  const Value product = ops::counted_matmul(sums, weights("b"), rows.count, {});
  const Tiling tiling = classify(Graph({x, ids}, {product}), "batch");
  EXPECT_EQ(tiling.heavy, 1);
  EXPECT_EQ(tiling.kept_out, 0);
}

}  // namespace
}  // namespace andiron
