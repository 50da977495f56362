#include "andiron/nn/constraint.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/nn/compiled_model.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"

namespace andiron::nn {
namespace {

// [2, 3]: columns of norms 5, 0.5 and 0.
const std::vector<float> kWeights = {3.0F, -0.3F, 0.0F, -4.0F, 0.4F, 0.0F};

std::vector<double> applied(const Constraint& constraint) {
  const Tensor w = Tensor::from(kWeights, {2, 3});
  const Tensor y = eager::evaluate(constraint(constant(w)));
  std::vector<double> out;
  for (int64_t i = 0; i < y.count(); ++i) out.push_back(y.item(i));
  return out;
}

// Each column times the factor of its norm.
void expect_columns(const Constraint& constraint, const std::vector<double>& factors) {
  const std::vector<double> got = applied(constraint);
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], static_cast<double>(kWeights[i]) * factors[i % 3], 2e-6) << i;
}

TEST(Constraint, bring_norms_to_what_keras_says) {
  expect_columns(Constraint{}, {1, 1, 1});
  expect_columns(MaxNorm(2.0), {2.0 / 5, 1, 1});
  expect_columns(UnitNorm(), {1.0 / 5, 1.0 / 0.5, 0});
  expect_columns(MinMaxNorm(1.0, 2.0), {2.0 / 5, 1.0 / 0.5, 0});
  // Half of the way.
  expect_columns(MinMaxNorm(1.0, 2.0, 0.5), {3.5 / 5, 0.75 / 0.5, 0});
  const std::vector<double> positive = applied(NonNeg());
  for (size_t i = 0; i < positive.size(); ++i) EXPECT_EQ(positive[i], std::max(kWeights[i], 0.0F));
  // Over both axes: one norm of all.
  const double all = std::sqrt(25.25);
  const std::vector<double> one = applied(MaxNorm(1.0, {0, 1}));
  for (size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], kWeights[i] / all, 1e-6);
}

TEST(Constraint, come_from_names_and_configs) {
  for (const Constraint& c :
       {Constraint{}, MaxNorm(3.0, {0, 1}), NonNeg(), UnitNorm({1}), MinMaxNorm(0.5, 1.5, 0.25)}) {
    const Constraint again = Constraint::from_config(c.config());
    EXPECT_EQ(again.config(), c.config());
    EXPECT_EQ(applied(again), applied(c));
  }
  EXPECT_EQ(applied(Constraint::from_config("max_norm")), applied(MaxNorm(2.0)));
  EXPECT_EQ(applied(Constraint::from_config("NonNeg")), applied(NonNeg()));
  EXPECT_THROW(Constraint::from_config("Largest"), Error);
  EXPECT_THROW(MaxNorm(-1.0), Error);
  EXPECT_THROW(MinMaxNorm(2.0, 1.0), Error);
  EXPECT_THROW(MinMaxNorm(0.0, 1.0, 1.5), Error);
}

TEST(Constraint, hold_after_every_step) {
  const auto x = Input({4}, {.name = "x"});
  const auto dense = Dense(3, {.kernel_constraint = MaxNorm(0.1), .bias_constraint = NonNeg()});
  SGDOptions o;
  o.learning_rate = 0.5;
  CompiledModel compiled(Model(x, dense(x)), {.optimizer = SGD(o), .losses = {MeanSquaredError()}});
  const Batch batch{{Tensor::full(DType::f32, {5, 4}, 1.0)},
                    {Tensor::full(DType::f32, {5, 3}, -9)}};
  for (int step = 0; step < 3; ++step) {
    compiled.train_on_batch(batch);
    const Tensor& kernel = compiled.model()->variables()[0]->value();
    const Tensor& bias = compiled.model()->variables()[1]->value();
    for (int64_t column = 0; column < 3; ++column) {
      double sum = 0.0;
      for (int64_t i = 0; i < 4; ++i) sum += std::pow(kernel.item(3 * i + column), 2);
      EXPECT_NEAR(std::sqrt(sum), 0.1, 1e-6);  // the loss would have it larger
      EXPECT_EQ(bias.item(column), 0.0);       // and this one negative
    }
  }
}

}  // namespace
}  // namespace andiron::nn
