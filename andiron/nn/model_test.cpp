#include "andiron/nn/model.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/model_file.hpp"
#include "andiron/nn/predictor.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {
namespace {

using testing::error_of;
using testing::expect_near;
using testing::f32;
using testing::i32;
using testing::random_tensor;

// Two towers that share a dense layer, two outputs.
ModelPtr towers() {
  const auto user = Input({}, {.name = "user", .dtype = DType::i32});
  const auto item = Input({}, {.name = "item", .dtype = DType::i32});
  const auto u = Embedding(6, 4)(user), i = Embedding(5, 4)(item);
  const LayerRef shared = Dense(3, {.activation = "relu", .name = "shared"});
  const auto a = shared(u), b = shared(i);
  const auto score = Dot(1, {.name = "score"})({a, b});
  const auto logit = Dense(1, {.name = "logit"})(Concatenate()({a, b}));
  return Model({user, item}, {score, logit});
}

TEST(Model, names_are_numbered_in_the_model_not_in_the_process) {
  for (int i = 0; i < 2; ++i) {
    const ModelPtr model = Sequential({Input({4}), Dense(3), Dense(2), Dense(1, {.name = "out"})});
    std::vector<std::string> names;
    for (const VariablePtr& v : model->variables()) names.push_back(v->name());
    EXPECT_EQ(names, (std::vector<std::string>{"dense/kernel", "dense/bias", "dense_1/kernel",
                                               "dense_1/bias", "out/kernel", "out/bias"}));
  }
}

TEST(Model, shared_layers_have_one_set_of_variables) {
  const ModelPtr model = towers();
  EXPECT_EQ(model->variables().size(), 6U);  // two tables, shared, logit
  EXPECT_EQ(model->count_params(), 24 + 20 + 15 + 7);
  EXPECT_EQ(model->input_names(), (std::vector<std::string>{"user", "item"}));
  EXPECT_EQ(model->output_names(), (std::vector<std::string>{"score", "logit"}));
}

TEST(Model, several_inputs_and_outputs) {
  const ModelPtr model = towers();
  const Tensor user = Tensor::from<int32_t>({0, 5, 2}, {3}),
               item = Tensor::from<int32_t>({4, 0, 1}, {3});
  const std::vector<Tensor> y = Predictor(model).predict({user, item});
  ASSERT_EQ(y.size(), 2U);
  const Tensor tables[] = {model->layer("embedding")->variables()[0]->value(),
                           model->layer("embedding_1")->variables()[0]->value()};
  const Tensor kernel = model->layer("shared")->variables()[0]->value();
  for (int64_t n = 0; n < 3; ++n) {
    double score = 0;
    for (int64_t k = 0; k < 3; ++k) {
      double a = 0, b = 0;
      for (int64_t j = 0; j < 4; ++j) {
        a += tables[0].item(static_cast<int64_t>(user.item(n)) * 4 + j) * kernel.item(j * 3 + k);
        b += tables[1].item(static_cast<int64_t>(item.item(n)) * 4 + j) * kernel.item(j * 3 + k);
      }
      score += std::max(a, 0.0) * std::max(b, 0.0);
    }
    EXPECT_NEAR(y[0].item(n), score, 1e-6);
  }
}

TEST(Model, nested_models_are_layers) {
  const auto x = Input({4});
  const ModelPtr inner = Model(x, Dense(3, {.activation = "tanh"})(x), {.name = "encoder"});
  const auto a = Input({4}), b = Input({4});
  const LayerRef encoder = LayerPtr(inner);
  const ModelPtr outer = Model({a, b}, {Add()({encoder(a), encoder(b)})});
  ASSERT_EQ(outer->variables().size(), 2U);
  EXPECT_EQ(outer->variables()[0]->name(), "encoder/dense/kernel");
  const Tensor p = random_tensor(f32({4}), 5), q = random_tensor(f32({4}), 5, 4, 2);
  const Tensor sum = Predictor(outer).predict({p, q})[0];
  const Tensor one = Predictor(inner).predict({p})[0], two = Predictor(inner).predict({q})[0];
  for (int64_t i = 0; i < sum.count(); ++i)
    EXPECT_NEAR(sum.item(i), one.item(i) + two.item(i), 1e-6);
  // And as a file.
  auto loaded = model_from_bytes(model_bytes(*outer)).value_or_throw();
  expect_near(Predictor(loaded.model).predict({p, q})[0], sum, 0.0);
}

TEST(Model, may_begin_in_the_middle_of_another) {
  const auto x = Input({4});
  const auto h = Dense(3)(x);
  const auto y = Dense(2)(h);
  const ModelPtr whole = Model(x, y), head = Model(h, y), body = Model(x, h);
  const Tensor data = random_tensor(f32({4}), 3);
  const Tensor hidden = Predictor(body).predict({data})[0];
  expect_near(Predictor(head).predict({hidden})[0], Predictor(whole).predict({data})[0], 1e-6);
  EXPECT_EQ(head->variables().size(), 2U);
}

TEST(Model, frozen_layers_have_no_trainable_variables) {
  const ModelPtr model = towers();
  EXPECT_EQ(model->trainable_variables().size(), 6U);
  model->layer("shared")->set_trainable(false);
  EXPECT_EQ(model->trainable_variables().size(), 4U);
  EXPECT_EQ(model->non_trainable_variables().size(), 2U);
  model->set_trainable(false);
  EXPECT_TRUE(model->trainable_variables().empty());
  auto again = model_from_bytes(model_bytes(*model)).value_or_throw();
  EXPECT_TRUE(again.model->trainable_variables().empty());
}

TEST(Model, summary_is_keras_table) {
  const ModelPtr model = Sequential({Input({784}), Dense(128), Dropout(0.5), Dense(10)});
  EXPECT_EQ(model->summary(),
            "Model: \"sequential\"\n"
            "┏━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┓\n"
            "┃ Layer (type)      ┃ Output Shape ┃ Param # ┃\n"
            "┡━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━┩\n"
            "│ dense (Dense)     │ (None, 128)  │ 100,480 │\n"
            "├───────────────────┼──────────────┼─────────┤\n"
            "│ dropout (Dropout) │ (None, 128)  │       0 │\n"
            "├───────────────────┼──────────────┼─────────┤\n"
            "│ dense_1 (Dense)   │ (None, 10)   │   1,290 │\n"
            "└───────────────────┴──────────────┴─────────┘\n"
            " Total params: 101,770 (397.54 KB)\n"
            " Trainable params: 101,770 (397.54 KB)\n"
            " Non-trainable params: 0 (0.00 B)\n");
  const std::string text = towers()->summary();
  EXPECT_NE(text.find("Connected to"), std::string::npos);
  EXPECT_NE(text.find("shared[0][0]"), std::string::npos);
}

TEST(Model, save_and_load) {
  const std::string path =
      (std::filesystem::temp_directory_path() / "andiron_model_test.safetensors").string();
  const ModelPtr model = towers();
  ModelExtras extras{.compile = {{"loss", "mse"}}, .tensors = {{"adam/m", Tensor::scalar(2.0)}}};
  save_model(*model, path, extras).value_or_throw();
  LoadedModel loaded = load_model(path).value_or_throw();
  EXPECT_EQ(loaded.model->config(), model->config());
  EXPECT_EQ(loaded.extras.compile, extras.compile);
  EXPECT_EQ(loaded.extras.tensors.at("adam/m").item(), 2.0);
  const std::vector<Tensor> x = {Tensor::from<int32_t>({0, 5}, {2}),
                                 Tensor::from<int32_t>({4, 0}, {2})};
  for (size_t i = 0; i < 2; ++i)
    expect_near(Predictor(loaded.model).predict(x)[i], Predictor(model).predict(x)[i], 0.0);
  std::filesystem::remove(path);
}

TEST(Model, damaged_files_are_failures) {
  const std::string bytes = model_bytes(*Sequential({Input({2}), Dense(1)}));
  ASSERT_TRUE(model_from_bytes(bytes).ok());
  for (size_t length = 0; length < bytes.size(); length += 7)
    EXPECT_FALSE(model_from_bytes(bytes.substr(0, length)).ok()) << length;
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    EXPECT_FALSE(model_from_bytes(flipped).ok()) << at;
  }
}

TEST(Model, a_sequential_without_input_is_built_by_what_it_sees) {
  const auto model = Sequential({Dense(3), Dense(1)});
  EXPECT_FALSE(model->built());
  model->build({f32({5})});
  EXPECT_EQ(model->count_params(), 18 + 4);
  auto again = model_from_bytes(model_bytes(*model)).value_or_throw();
  EXPECT_EQ(again.model->count_params(), 22);
  model->pop();
  EXPECT_EQ(model->count_params(), 18);
}

TEST(Model, graphs_name_their_inputs) {
  const Graph graph = towers()->trace(true);
  std::vector<std::string> names;
  for (const Value& v : graph.inputs()) names.push_back(v.node().attr<std::string>("name"));
  EXPECT_EQ(names, (std::vector<std::string>{"user", "item", "step"}));
  EXPECT_EQ(str(graph.outputs()[0].type()), "float32[batch,1]");
}

TEST(Model, set_weights) {
  const ModelPtr model = towers();
  std::vector<Tensor> weights = model->weights();
  weights[0] = Tensor::full(DType::f32, weights[0].sizes(), 0.25);
  model->set_weights(weights);
  EXPECT_EQ(model->variables()[0]->value().item(3), 0.25);
  weights.pop_back();
  EXPECT_EQ(error_of([&] { model->set_weights(weights); }),
            "[set_weights] the model has 6 weights; got 5");
}

TEST(Model, errors) {
  const auto x = Input({3}, {.name = "x"}), z = Input({3}, {.name = "z"});
  EXPECT_EQ(error_of([&] {
              Model({x}, {Add()({x, z})});
            }),
            "[Model] an output depends on the input 'z', which is not among the model's inputs");
  EXPECT_EQ(error_of([&] { Model({x}, {Dense(1, {.name = "d"})(Dense(2, {.name = "d"})(x))}); }),
            "[Model] two layers are named 'd'; all names must be unique");
  EXPECT_EQ(error_of([&] { Model({x, x}, {Dense(1)(x)}); }), "[Model] input 1 is input 0 again");
  EXPECT_EQ(error_of([&] { Model(x, Dense(1, {.name = "d"})(x))->layer("e"); }),
            "[Model] has no layer 'e'; there are x, d");
}

}  // namespace
}  // namespace andiron::nn
