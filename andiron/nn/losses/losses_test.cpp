#include "andiron/nn/losses/losses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/nn/layer_testing.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {
namespace {

using testing::error_of;
using testing::expect_near;

double reduced(const LossPtr& loss, const Tensor& y_true, const Tensor& y_pred,
               const Tensor& weight = {}) {
  const Value w = weight.defined() ? constant(weight) : Value();
  return eager::evaluate((*loss)(constant(y_true), constant(y_pred), w)).item();
}

Tensor per_sample(const LossPtr& loss, const Tensor& y_true, const Tensor& y_pred) {
  return eager::evaluate(loss->per_sample(constant(y_true), constant(y_pred)));
}

const Tensor kTrue = Tensor::from<float>({0, 1, 1, 0, 1, 0}, {2, 3});
const Tensor kPred = Tensor::from<float>({0.1F, 0.8F, 0.3F, 0.6F, 0.9F, 0.2F}, {2, 3});

// From Keras 3's formulas, by hand.
TEST(Losses, closed_forms) {
  expect_near(per_sample(MeanSquaredError(), kTrue, kPred),
              Tensor::from<double>({(0.01 + 0.04 + 0.49) / 3, (0.36 + 0.01 + 0.04) / 3}, {2}),
              1e-6);
  expect_near(per_sample(MeanAbsoluteError(), kTrue, kPred),
              Tensor::from<double>({(0.1 + 0.2 + 0.7) / 3, (0.6 + 0.1 + 0.2) / 3}, {2}), 1e-6);
  // Labels 0 are taken for -1.
  expect_near(per_sample(Hinge(), kTrue, kPred),
              Tensor::from<double>({(1.1 + 0.2 + 0.7) / 3, (1.6 + 0.1 + 1.2) / 3}, {2}), 1e-6);
  expect_near(per_sample(BinaryCrossentropy(), kTrue, kPred),
              Tensor::from<double>({-(std::log(0.9) + std::log(0.8) + std::log(0.3)) / 3,
                                    -(std::log(0.4) + std::log(0.9) + std::log(0.8)) / 3},
                                   {2}),
              1e-6);
  const Tensor one_hot = Tensor::from<float>({0, 1, 0, 0, 0, 1}, {2, 3});
  expect_near(per_sample(CategoricalHinge(), one_hot, kPred),
              Tensor::from<double>({0.3 - 0.8 + 1, 0.9 - 0.2 + 1}, {2}), 1e-6);
  const Tensor expected = Tensor::from<double>({-std::log(0.8 / 1.2), -std::log(0.2 / 1.7)}, {2});
  expect_near(per_sample(CategoricalCrossentropy(), one_hot, kPred), expected, 1e-6);
  const Tensor labels = Tensor::from<int32_t>({1, 2}, {2});
  expect_near(per_sample(SparseCategoricalCrossentropy(), labels, kPred), expected, 1e-6);
}

TEST(Losses, logits_give_what_their_probabilities_give) {
  const Tensor logits = Tensor::from<float>({-1, 2, 0.5F, 3, -2, 1}, {2, 3});
  const Tensor sigmoid = eager::evaluate(ops::sigmoid(constant(logits)));
  const Tensor softmax = eager::evaluate(ops::softmax(constant(logits)));
  const Tensor one_hot = Tensor::from<float>({0, 1, 0, 0, 0, 1}, {2, 3});
  const Tensor labels = Tensor::from<int64_t>({1, 2}, {2, 1});
  const CrossentropyOptions from_logits = {.from_logits = true};
  expect_near(per_sample(BinaryCrossentropy(from_logits), kTrue, logits),
              per_sample(BinaryCrossentropy(), kTrue, sigmoid), 1e-5);
  expect_near(per_sample(CategoricalCrossentropy(from_logits), one_hot, logits),
              per_sample(CategoricalCrossentropy(), one_hot, softmax), 1e-5);
  expect_near(per_sample(SparseCategoricalCrossentropy({.from_logits = true}), labels, logits),
              per_sample(SparseCategoricalCrossentropy(), labels, softmax), 1e-5);
}

TEST(Losses, an_activation_is_seen_through_so_that_nothing_saturates) {
  const Tensor logits = Tensor::from<float>({-200, 100}, {2, 1});
  const Tensor labels = Tensor::from<float>({1, 0}, {2, 1});
  const Value p = ops::reshape(ops::sigmoid(constant(logits)), {2});
  const Value loss = BinaryCrossentropy()->per_sample(constant(labels), p);
  expect_near(eager::evaluate(loss), Tensor::from<float>({200, 100}, {2}), 1e-4);
  const Tensor wide = Tensor::from<float>({-300, 300}, {1, 2});
  const Value q = ops::softmax(constant(wide));
  for (const LossPtr& l : {CategoricalCrossentropy(), SparseCategoricalCrossentropy()}) {
    const Tensor y = l->target_type({DType::f32, {1, 2}}).dtype == DType::i32
                         ? Tensor::from<int32_t>({0}, {1})
                         : Tensor::from<float>({1, 0}, {1, 2});
    EXPECT_NEAR(eager::evaluate(l->per_sample(constant(y), q)).item(), 600.0, 1e-3);
  }
}

TEST(Losses, probabilities_of_zero_and_one_cost_keras_epsilon) {
  const Tensor p = Tensor::from<float>({0, 1}, {2, 1}), y = Tensor::from<float>({1, 1}, {2, 1});
  const Tensor loss = per_sample(BinaryCrossentropy(), y, p);
  EXPECT_NEAR(loss.item(0), -std::log(1e-7), 1e-4);
  EXPECT_NEAR(loss.item(1), 0.0, 1e-6);
}

TEST(Losses, label_smoothing) {
  const Tensor z = Tensor::from<float>({2}, {1, 1}), y = Tensor::from<float>({1}, {1, 1});
  const CrossentropyOptions smooth = {.from_logits = true, .label_smoothing = 0.2};
  const double p = 1 / (1 + std::exp(-2.0));
  EXPECT_NEAR(per_sample(BinaryCrossentropy(smooth), y, z).item(),
              -(0.9 * std::log(p) + 0.1 * std::log(1 - p)), 1e-6);
}

TEST(Losses, reductions_and_weights_as_in_keras) {
  const Tensor y = Tensor::from<float>({0, 0, 0}, {3, 1});
  const Tensor p = Tensor::from<float>({1, 2, 3}, {3, 1});
  const Tensor w = Tensor::from<float>({1, 0, 2}, {3});
  EXPECT_NEAR(reduced(MeanSquaredError(), y, p), 14.0 / 3, 1e-6);
  // The divisor stays the number of samples.
  EXPECT_NEAR(reduced(MeanSquaredError(), y, p, w), 19.0 / 3, 1e-6);
  EXPECT_NEAR(reduced(MeanSquaredError({.reduction = Reduction::sum}), y, p, w), 19.0, 1e-6);
  EXPECT_NEAR(reduced(MeanSquaredError({.reduction = Reduction::mean_with_sample_weight}), y, p, w),
              19.0 / 3, 1e-6);
  const Tensor half = Tensor::from<float>({1, 0, 1}, {3, 1});
  EXPECT_NEAR(
      reduced(MeanSquaredError({.reduction = Reduction::mean_with_sample_weight}), y, p, half), 5.0,
      1e-6);
}

TEST(Losses, targets_of_n_and_n_by_1_are_the_same) {
  const Tensor column = Tensor::from<float>({1, 2}, {2, 1}),
               flat = Tensor::from<float>({1, 2}, {2});
  const Tensor p = Tensor::from<float>({2, 4}, {2, 1}), q = Tensor::from<float>({2, 4}, {2});
  for (const Tensor& y : {column, flat})
    for (const Tensor& x : {p, q}) EXPECT_NEAR(reduced(MeanSquaredError(), y, x), 2.5, 1e-6);
}

TEST(Losses, a_loss_of_the_users_own_is_stored_as_its_graph) {
  const LossPtr loss = CustomLoss(
      [](const Value& y_true, const Value& y_pred) {
        return ops::sum(ops::absolute(y_true - y_pred), {-1}) * 3.0;
      },
      {.name = "triple"});
  Value y = input("y", DType::f32, {Dim::symbol("batch"), 3});
  const LossPtr again = loss_from_config(loss_description(*loss, y.type()));
  EXPECT_EQ(again->name(), "triple");
  expect_near(per_sample(loss, kTrue, kPred), Tensor::from<double>({3.0, 2.7}, {2}), 1e-5);
  expect_near(eager::evaluate(
                  inline_graph(Graph({y}, {again->per_sample(y * 0.0, y)}), {constant(kPred)})[0]),
              Tensor::from<double>({3.6, 5.1}, {2}), 1e-5);
}

TEST(Losses, config_round_trip) {
  const TensorType type = {DType::f32, {Dim::symbol("batch"), 3}};
  for (const LossPtr& loss :
       {MeanSquaredError({.reduction = Reduction::sum}), MeanAbsoluteError(), Hinge(),
        CategoricalHinge(), BinaryCrossentropy({.from_logits = true, .label_smoothing = 0.1}),
        CategoricalCrossentropy({.name = "cce"}), SparseCategoricalCrossentropy(),
        SparseCategoricalCrossentropy({.ignore_class = 3}), Huber(0.5), Quantile({0.1, 0.9}),
        WestonWatkins(2.0), CategoricalFocalCrossentropy({{}, {0.1, 0.2, 0.7}, 1.0}), Dice({1}),
        Tversky(0.2, 0.8), Triplet(0.5, true), TripletMining(0.5, "hard"), Circle()}) {
    const nlohmann::json description = loss_description(*loss, type);
    EXPECT_EQ(loss_description(*loss_from_config(description), type), description);
  }
}

TEST(Losses, errors) {
  const std::string unknown = error_of([] { get_loss("mean"); });
  EXPECT_THAT(unknown,
              ::testing::StartsWith("[loss] 'mean' is not known; there are mean_squared_error, "));
  for (const char* name : {"huber", "kl_divergence", "weston_watkins", "bpr", "triplet_mining"})
    EXPECT_THAT(unknown, ::testing::HasSubstr(std::string(", ") + name));
  EXPECT_EQ(error_of([] {
              MeanSquaredError()->per_sample(constant(Tensor::zeros(DType::f32, {2, 4})),
                                             constant(kPred));
            }),
            "[MeanSquaredError] y_true must be [2,3] for y_pred [2,3]; got [2,4]");
}

}  // namespace
}  // namespace andiron::nn
