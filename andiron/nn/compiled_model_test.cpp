#include "andiron/nn/compiled_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {
namespace {

using testing::error_of;
using testing::expect_near;
using testing::f32;
using testing::random_tensor;

ModelPtr line(const Regularizer& regularizer = {}) {
  return Sequential(
      {Input({1}), Dense(1, {.kernel_initializer = "zeros", .kernel_regularizer = regularizer})});
}

const Tensor kX = Tensor::from<float>({-1, 0, 1, 2}, {4, 1});
const Tensor kY = Tensor::from<float>({-1, 1, 3, 5}, {4, 1});  // 2 x + 1

TEST(CompiledModel, one_step_of_gradient_descent_by_hand) {
  const ModelPtr model = line();
  CompiledModel compiled(
      model, {.optimizer = SGD({.learning_rate = 0.1}), .losses = {MeanSquaredError()}});
  // With w = b = 0: loss = mean y^2 = 9; d/dw = -2 mean(x y) = -7; d/db = -2 mean(y) = -4.
  EXPECT_NEAR(compiled.train_on_batch({{kX}, {kY}}).loss, 9.0, 1e-5);
  EXPECT_NEAR(model->variables()[0]->value().item(), 0.7, 1e-6);
  EXPECT_NEAR(model->variables()[1]->value().item(), 0.4, 1e-6);
  EXPECT_EQ(compiled.step(), 1);
  for (int i = 0; i < 300; ++i) compiled.train_on_batch({{kX}, {kY}});
  EXPECT_NEAR(compiled.test_on_batch({{kX}, {kY}}).loss, 0.0, 1e-6);
  EXPECT_NEAR(model->variables()[0]->value().item(), 2.0, 1e-3);
  EXPECT_NEAR(model->variables()[1]->value().item(), 1.0, 1e-3);
}

TEST(CompiledModel, the_loss_is_the_mean_over_the_rows_that_are_there) {
  CompiledModel compiled(line(), {.losses = {MeanSquaredError()}});
  EXPECT_NEAR(compiled.test_on_batch({{kX.rows(0, 3)}, {kY.rows(0, 3)}}).loss, 11.0 / 3, 1e-5);
  EXPECT_NEAR(compiled.test_on_batch({{kX.rows(3, 4)}, {kY.rows(3, 4)}}).loss, 25.0, 1e-5);
}

TEST(CompiledModel, sample_weights_multiply_and_do_not_change_the_divisor) {
  CompiledModel compiled(line(), {.losses = {MeanSquaredError()}});
  const Tensor w = Tensor::from<float>({0, 1, 0, 2}, {4});
  EXPECT_NEAR(compiled.test_on_batch({{kX}, {kY}, {w}}).loss, (1 + 50) / 4.0, 1e-5);
}

TEST(CompiledModel, penalties_are_part_of_the_loss) {
  const ModelPtr model = line(L2(0.5));
  model->variables()[0]->assign(Tensor::from<float>({2}, {1, 1}));
  model->variables()[1]->assign(Tensor::from<float>({1}, {1}));
  CompiledModel compiled(
      model, {.optimizer = SGD({.learning_rate = 0.1}), .losses = {MeanSquaredError()}});
  const StepResult& result = compiled.train_on_batch({{kX}, {kY}});
  EXPECT_NEAR(result.loss, 2.0, 1e-6);
  EXPECT_NEAR(result.output_losses[0], 0.0, 1e-6);
  EXPECT_NEAR(model->variables()[0]->value().item(), 2.0 - 0.1 * 2.0, 1e-6);
}

TEST(CompiledModel, several_outputs_and_their_weights) {
  const auto x = Input({1});
  const DenseOptions zero = {.kernel_initializer = "zeros"};
  const ModelPtr model = Model({x}, {Dense(1, zero)(x), Dense(1, zero)(x)});
  CompiledModel compiled(
      model, {.losses = {MeanSquaredError(), MeanAbsoluteError()}, .loss_weights = {1.0, 0.5}});
  const StepResult& result = compiled.test_on_batch({{kX}, {kY, kY}});
  EXPECT_NEAR(result.output_losses[0], 9.0, 1e-5);
  EXPECT_NEAR(result.output_losses[1], 2.5, 1e-5);
  EXPECT_NEAR(result.loss, 9.0 + 1.25, 1e-5);
  EXPECT_EQ(result.predictions.size(), 2U);
  // An output without a loss needs no target.
  CompiledModel one(model, {.losses = {nullptr, MeanAbsoluteError()}});
  EXPECT_NEAR(one.test_on_batch({{kX}, {kY}}).loss, 2.5, 1e-5);
}

TEST(CompiledModel, frozen_layers_stay) {
  const ModelPtr model = Sequential({Input({1}), Dense(2, {.name = "body"}), Dense(1)});
  model->layer("body")->set_trainable(false);
  const std::vector<Tensor> before = model->weights();
  CompiledModel compiled(
      model, {.optimizer = SGD({.learning_rate = 0.1}), .losses = {MeanSquaredError()}});
  compiled.train_on_batch({{kX}, {kY}});
  expect_near(model->variables()[0]->value(), before[0], 0.0);
  EXPECT_NE(model->variables()[2]->value().item(), before[2].item());
}

TEST(CompiledModel, predictions_of_the_training_step_when_metrics_need_them) {
  CompiledModel compiled(
      line(),
      {.optimizer = SGD(), .losses = {MeanSquaredError()}, .predictions_in_training = true});
  const StepResult& result = compiled.train_on_batch({{kX}, {kY}});
  ASSERT_EQ(result.predictions.size(), 1U);
  expect_near(result.predictions[0], Tensor::zeros(DType::f32, {4, 1}), 0.0);
}

TEST(CompiledModel, dropout_draws_anew_each_step_and_the_same_in_each_run) {
  auto losses = [] {
    set_random_seed(3);
    const ModelPtr model = Sequential({Input({8}), Dropout(0.5), Dense(1)});
    CompiledModel compiled(
        model, {.optimizer = SGD({.learning_rate = 1e-9}), .losses = {MeanSquaredError()}});
    const Tensor x = random_tensor(f32({8}), 16), y = random_tensor(f32({1}), 16);
    std::vector<double> out;
    for (int i = 0; i < 3; ++i) out.push_back(compiled.train_on_batch({{x}, {y}}).loss);
    return out;
  };
  const std::vector<double> first = losses();
  EXPECT_EQ(first, losses());
  EXPECT_NE(first[0], first[1]);
  EXPECT_NE(first[1], first[2]);
}

TEST(CompiledModel, tiled_and_untiled_steps_agree) {
  auto weights = [](bool tile) {
    set_random_seed(3);
    const auto x = Input({20});
    const auto h = Dense(64, {.activation = "relu"})(x);
    const ModelPtr model = Model(x, Dense(1, {.activation = "sigmoid"})(h));
    CompiledModel compiled(model, {.optimizer = Adam(),
                                   .losses = {BinaryCrossentropy()},
                                   .plan = {.tile = tile, .tile_rows = tile ? 32 : 0}});
    const Tensor data = random_tensor(f32({20}), 300);
    const Tensor labels = random_tensor(testing::i32({1}), 300, 2);
    for (int i = 0; i < 3; ++i) compiled.train_on_batch({{data}, {labels}});
    return model->weights();
  };
  const std::vector<Tensor> a = weights(true), b = weights(false);
  for (size_t i = 0; i < a.size(); ++i) expect_near(a[i], b[i], 1e-5);
}

TEST(CompiledModel, a_loss_of_a_saturated_sigmoid_still_has_a_gradient) {
  const ModelPtr model = Sequential({Input({1}), Dense(1, {.activation = "sigmoid",
                                                           .kernel_initializer = "zeros",
                                                           .bias_initializer = Constant(-50.0)})});
  CompiledModel compiled(
      model, {.optimizer = SGD({.learning_rate = 1.0}), .losses = {BinaryCrossentropy()}});
  const Tensor ones = Tensor::full(DType::f32, {4, 1}, 1.0);
  EXPECT_NEAR(compiled.train_on_batch({{kX}, {ones}}).loss, 50.0, 1e-4);
  EXPECT_NEAR(model->variables()[1]->value().item(), -49.0, 1e-4);
}

TEST(CompiledModel, errors) {
  EXPECT_EQ(error_of([] { CompiledModel(line(), {.losses = {}}); }),
            "[compile] needs a loss for one output at least");
  EXPECT_EQ(error_of([] {
              CompiledModel(line(), {.losses = {MeanSquaredError(), MeanSquaredError()}});
            }),
            "[compile] the model has 1 outputs; got 2 losses");
  CompiledModel compiled(line(), {.losses = {MeanSquaredError()}});
  EXPECT_EQ(error_of([&] {
              compiled.test_on_batch({{kX}, {kY.rows(0, 2)}});
            }),
            "[batch] target 'dense' has 2 rows but input 'input_layer' has 4");
  EXPECT_EQ(error_of([&] {
              compiled.test_on_batch({{kX.rows(0, 0)}, {kY.rows(0, 0)}});
            }),
            "[batch] it is empty");
  EXPECT_EQ(error_of([&] {
              compiled.train_on_batch({{kX}, {kY}});
            }),
            "[compile] training needs an optimizer");
}

}  // namespace
}  // namespace andiron::nn
