#include "andiron/train/finite_weights.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace andiron::train {
namespace {

VariablePtr variable(const Tensor& value) { return std::make_shared<Variable>("v", value); }

TEST(FiniteWeights, one_bad_number_is_found_wherever_it_stands) {
  const double bad[] = {std::numeric_limits<double>::quiet_NaN(),
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity()};
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16})
    for (const int64_t n : {int64_t{1}, int64_t{7}, int64_t{8}, int64_t{4096}, int64_t{9001}})
      for (const double value : bad)
        for (const int64_t at : {int64_t{0}, n / 2, n - 1}) {
          Tensor t = Tensor::full(DType::f64, {n}, 3e38);
          t.data<double>()[at] = value;
          const VariablePtr good = variable(Tensor::full(dtype, {n}, -3e38));
          const VariablePtr found = variable(t.cast(dtype));
          EXPECT_EQ(first_not_finite({good, found}), found) << n << " " << at;
          EXPECT_EQ(first_not_finite({good}), nullptr);
        }
}

TEST(FiniteWeights, integers_and_empty_ones_are_finite) {
  EXPECT_EQ(first_not_finite({variable(Tensor::full(DType::i32, {3}, 7)),
                              variable(Tensor::zeros(DType::f32, {0, 4}))}),
            nullptr);
}

}  // namespace
}  // namespace andiron::train
