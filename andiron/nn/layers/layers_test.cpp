#include "andiron/base/error.hpp"
#include "andiron/nn/layers.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/predictor.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {
namespace {

using testing::error_of;
using testing::expect_near;
using testing::f32;
using testing::i32;
using testing::run_layer_test;

std::vector<Tensor> apply(const LayerRef& layer, const std::vector<SymbolicTensor>& inputs,
                          const std::vector<Tensor>& data) {
  return Predictor(Model(inputs, {layer(inputs)})).predict(data);
}

TEST(Layers, dense) {
  run_layer_test(Dense(4), {.inputs = {f32({3})},
                            .outputs = {f32({4})},
                            .n_weights = 2,
                            .n_trainable = 2,
                            .n_params = 16});
  run_layer_test(Dense(4, {.activation = "sigmoid",
                           .use_bias = false,
                           .kernel_initializer = HeNormal(3),
                           .kernel_regularizer = L2(0.1),
                           .activity_regularizer = "l1"}),
                 {.inputs = {f32({2, 3})},
                  .outputs = {f32({2, 4})},
                  .n_weights = 1,
                  .n_trainable = 1,
                  .n_params = 12,
                  .n_losses = 1});
}

TEST(Layers, every_activation) {
  for (const char* name :
       {"linear", "relu", "sigmoid", "tanh", "softmax", "gelu", "elu", "leaky_relu", "softplus"})
    run_layer_test(Activation(name), {.inputs = {f32({3})}, .outputs = {f32({3})}});
}

TEST(Layers, dropout) {
  run_layer_test(Dropout(0.5), {.inputs = {f32({3})}, .outputs = {f32({3})}});
  run_layer_test(Dropout(1.0, {.seed = 4}), {.inputs = {f32({3})}, .outputs = {f32({3})}});
}

TEST(Layers, embedding) {
  run_layer_test(Embedding(4, 2), {.inputs = {i32({})},
                                   .outputs = {f32({2})},
                                   .n_weights = 1,
                                   .n_trainable = 1,
                                   .n_params = 8});
  run_layer_test(Embedding(4, 2, {.embeddings_regularizer = L2()}), {.inputs = {i32({3})},
                                                                     .outputs = {f32({3, 2})},
                                                                     .n_weights = 1,
                                                                     .n_trainable = 1,
                                                                     .n_params = 8,
                                                                     .n_losses = 1});
}

TEST(Layers, embedding_bag) {
  run_layer_test(EmbeddingBag(4, 2), {.inputs = {i32({3})},
                                      .outputs = {f32({2})},
                                      .n_weights = 1,
                                      .n_trainable = 1,
                                      .n_params = 8});
  run_layer_test(EmbeddingBag(4, 2, {.combiner = "mean"}), {.inputs = {i32({3}), f32({3})},
                                                            .outputs = {f32({2})},
                                                            .n_weights = 1,
                                                            .n_trainable = 1,
                                                            .n_params = 8});
}

TEST(Layers, wide_linear) {
  run_layer_test(WideLinear({4, 6}, {.units = 2}), {.inputs = {i32({2})},
                                                    .outputs = {f32({2})},
                                                    .n_weights = 2,
                                                    .n_trainable = 2,
                                                    .n_params = 22});
  run_layer_test(WideLinear({4}, {.use_bias = false, .activation = "sigmoid"}),
                 {.inputs = {i32({5}), f32({5})},
                  .outputs = {f32({1})},
                  .n_weights = 1,
                  .n_trainable = 1,
                  .n_params = 4});
}

TEST(Layers, wide_linear_gives_each_column_its_own_ids) {
  const auto ids = Input({2}, {.dtype = DType::i32});
  const LayerRef wide = WideLinear({2, 3});
  wide(ids);
  wide->variables()[0]->assign(Tensor::from<float>({1, 2, 10, 20, 30}, {5, 1}));
  wide->variables()[1]->assign(Tensor::from<float>({0.5}, {1}));
  // Row 2: the first feature is absent.
  const Tensor y = apply(wide, {ids}, {Tensor::from<int32_t>({0, 0, 1, 2, -1, 1}, {3, 2})})[0];
  expect_near(y, Tensor::from<float>({11.5, 32.5, 20.5}, {3, 1}), 1e-6);
  // 2 is not a row of the first column, though the table goes on.
  EXPECT_THROW(apply(wide, {ids}, {Tensor::from<int32_t>({2, 0}, {1, 2})}), Error);
}

TEST(Layers, hashed_cross) {
  run_layer_test(HashedCross(10),
                 {.inputs = {i32({}), i32({})}, .outputs = {i32({})}, .differentiable = false});
  run_layer_test(
      HashedCross(10, {.seed = 3}),
      {.inputs = {i32({1}), i32({1}), i32({1})}, .outputs = {i32({1})}, .differentiable = false});
}

TEST(Layers, merging) {
  run_layer_test(Concatenate(), {.inputs = {f32({2}), f32({3})}, .outputs = {f32({5})}});
  run_layer_test(Concatenate(1), {.inputs = {f32({2, 4}), f32({3, 4})}, .outputs = {f32({5, 4})}});
  run_layer_test(Add(), {.inputs = {f32({3}), f32({3}), f32({1})}, .outputs = {f32({3})}});
  run_layer_test(Add(), {.inputs = {f32({2, 3}), f32({3})}, .outputs = {f32({2, 3})}});
  run_layer_test(Multiply(), {.inputs = {f32({3}), f32({3})}, .outputs = {f32({3})}});
}

TEST(Layers, dot) {
  run_layer_test(Dot(1), {.inputs = {f32({3}), f32({3})}, .outputs = {f32({1})}});
  run_layer_test(Dot(-1, {.normalize = true}),
                 {.inputs = {f32({3}), f32({3})}, .outputs = {f32({1})}});
  run_layer_test(Dot(2), {.inputs = {f32({2, 3}), f32({4, 3})}, .outputs = {f32({2, 4})}});
  run_layer_test(Dot({1, 2}), {.inputs = {f32({3, 2}), f32({4, 3})}, .outputs = {f32({2, 4})}});
  run_layer_test(Dot({2, 1}), {.inputs = {f32({2, 3}), f32({3, 4})}, .outputs = {f32({2, 4})}});
  run_layer_test(Dot({1, 2}), {.inputs = {f32({3}), f32({4, 3})}, .outputs = {f32({4})}});
  run_layer_test(Dot({1, 1}), {.inputs = {f32({3, 2}), f32({3})}, .outputs = {f32({2})}});
}

TEST(Layers, dot_equals_sums_of_products) {
  const auto a = Input({2, 3}), b = Input({3, 2});
  const TensorType type = f32({2, 3}), other = f32({3, 2});
  const Tensor x = testing::random_tensor(type, 2), w = testing::random_tensor(other, 2, 4, 9);
  // Contracted over axis 1 of x and axis 2 of w: y[b, i, j] = sum_k x[b, k, i] w[b, j, k].
  const Tensor y = apply(Dot({1, 2}), {a, b}, {x, w})[0];
  ASSERT_EQ(y.sizes(), (Sizes{2, 3, 3}));
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t j = 0; j < 3; ++j) {
        double sum = 0.0;
        for (int64_t k = 0; k < 2; ++k)
          sum += x.item(n * 6 + k * 3 + i) * w.item(n * 6 + j * 2 + k);
        EXPECT_NEAR(y.item(n * 9 + i * 3 + j), sum, 1e-6);
      }
    }
  }
}

TEST(Layers, cosine_of_parallel_vectors_is_one) {
  const auto a = Input({3}), b = Input({3});
  const Tensor x = Tensor::from<float>({1, 2, 3}, {1, 3});
  const Tensor y = Tensor::from<float>({2, 4, 6}, {1, 3});
  EXPECT_NEAR(apply(Dot(1, {.normalize = true}), {a, b}, {x, y})[0].item(), 1.0, 1e-6);
}

TEST(Layers, shapes) {
  run_layer_test(Flatten(), {.inputs = {f32({2, 3})}, .outputs = {f32({6})}});
  run_layer_test(Flatten(), {.inputs = {f32({})}, .outputs = {f32({1})}});
  run_layer_test(Reshape({3, 2}), {.inputs = {f32({6})}, .outputs = {f32({3, 2})}});
  run_layer_test(Reshape({-1, 3}), {.inputs = {f32({2, 6})}, .outputs = {f32({4, 3})}});
}

TEST(Layers, errors_name_the_layer_the_rule_and_what_came) {
  EXPECT_EQ(error_of([] { Dense(0); }), "[Dense] units must be positive; got 0");
  EXPECT_EQ(error_of([] { Dropout(1.5); }), "[Dropout] rate must be in [0, 1]; got 1.5");
  EXPECT_EQ(error_of([] { Embedding(0, 2); }), "[Embedding] input_dim must be positive; got 0");
  EXPECT_EQ(error_of([] { Concatenate(0); }), "[Concatenate] axis 0 is the batch");
  EXPECT_EQ(error_of([] { Dense(2, {.name = "head"})(Input({})); }),
            "[Dense] layer 'head': needs inputs of rank 2 or more, [batch, ..., features]; got "
            "[batch]");
  EXPECT_EQ(error_of([] { Reshape({4}, {.name = "r"})(Input({3})); }),
            "[Reshape] layer 'r': 3 elements of a sample [batch,3] do not make [4]");
  EXPECT_EQ(error_of([] {
              Dot(1, {.name = "d"})({Input({3}), Input({4})});
            }),
            "[Dot] layer 'd': axis 1 of [batch,3] and axis 1 of [batch,4] differ");
  EXPECT_EQ(error_of([] { Add({.name = "a"})(Input({3})); }),
            "[Add] layer 'a': takes two inputs or more; got 1");
  EXPECT_NE(error_of([] { Dense(2, {.activation = "rellu"}); }).find("rellu"), std::string::npos);
  const LayerRef shared = Dense(2, {.name = "shared"});
  shared(Input({3}));
  EXPECT_EQ(error_of([&] { shared(Input({4})); }),
            "[Dense] layer 'shared': was built for 3 features on the last axis; got [batch,4]");
}

/// A layer that only this test knows: a dense layer inside, a variable and a loss of its own.
class ScaledLayer : public Layer {
 public:
  using Layer::Layer;
  std::string class_name() const override { return "Scaled"; }
  std::vector<LayerPtr> sublayers() const override { return {dense_}; }

 protected:
  void build_variables(const std::vector<TensorType>&) override {
    scale_ = add_weight("scale", {2}, Constant(3.0), L2(0.5));
  }
  std::vector<Value> compute(const std::vector<Value>& inputs, CallContext& context) override {
    const Value y = dense_->call(inputs, context)[0] * read(scale_);
    context.losses.push_back(ops::sum(ops::square(y)) * 0.01);
    return {context.training ? y + 1.0 : y};
  }

 private:
  LayerPtr dense_ = Dense(2);
  VariablePtr scale_;
};

TEST(Layers, a_class_that_the_catalog_lacks_is_saved_as_its_graphs) {
  run_layer_test(std::make_shared<ScaledLayer>(), {.inputs = {f32({3})},
                                                   .outputs = {f32({2})},
                                                   .n_weights = 3,
                                                   .n_trainable = 3,
                                                   .n_params = 10,
                                                   .n_losses = 1});
}

TEST(Layers, lambda) {
  run_layer_test(Lambda([](const Value& x) { return ops::square(x) + 1.0; }),
                 {.inputs = {f32({3})}, .outputs = {f32({3})}});
}

}  // namespace
}  // namespace andiron::nn
