#include "andiron/tensor/shape.hpp"

#include <gtest/gtest.h>

#include "andiron/base/error.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron {
namespace {

TEST(Dim, division_by_minus_one_never_ends_the_process) {
  EXPECT_THROW(Dim(INT64_MIN) / Dim(-1), Error);
  EXPECT_EQ(Dim(INT64_MIN + 1) / Dim(-1), Dim(INT64_MAX));
  EXPECT_THROW((Dim::symbol("n") * Dim(INT64_MIN)) / Dim(-1), Error);
  EXPECT_THROW(Dim(6) / Dim(0), Error);
  EXPECT_EQ(Dim(6) / Dim(-2), Dim(-3));
}

TEST(Dim, products_of_sums_have_a_limit) {
  Dim sum = 0;
  for (const char* name : {"a", "b", "c", "d", "e"}) sum = sum + Dim::symbol(name);
  Shape shape;
  shape.resize(64, sum);
  EXPECT_THROW(shape.count(), Error);
}

// As in NumPy.
TEST(Sizes, of_nothing_may_be_huge_as_long_as_products_fit) {
  const Tensor t(DType::f32, {0, int64_t{1} << 58, 4});
  EXPECT_EQ(t.count(), 0);
  EXPECT_TRUE(t.dense());
  EXPECT_THROW(Tensor(DType::f32, {0, int64_t{1} << 62, 4}), Error);
}

}  // namespace
}  // namespace andiron
