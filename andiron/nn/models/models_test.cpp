#include "andiron/nn/models/models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/io/file_testing.hpp"
#include "andiron/nn/compiled_model.hpp"
#include "andiron/nn/layer_testing.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/model_file.hpp"
#include "andiron/nn/models/state_dict.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/predictor.hpp"

namespace andiron::nn::models {
namespace {

using nn::testing::error_of;
using nn::testing::expect_near;
using nn::testing::random_tensor;
using ::testing::HasSubstr;

int64_t trained(const FunctionalModel& model) {
  int64_t n = 0;
  for (const VariablePtr& v : model.trainable_variables()) n += v->value().count();
  return n;
}

// Figures and their sources: docs/models.md. The large ones are in tests/models/zoo_test.py.
TEST(Models, sizes_are_those_that_are_published) {
  EXPECT_EQ(trained(*LeNet5()), 61'706);
  EXPECT_EQ(trained(*ResNet20()), 272'474);
  EXPECT_EQ(trained(*SqueezeNet1_1()), 1'235'496);
  EXPECT_EQ(trained(*MobileNetV2()), 3'504'872);
  EXPECT_EQ(trained(*EfficientNetLite0()), 4'652'008);
  EXPECT_EQ(trained(*GoogLeNet()), 6'998'552);
}

TEST(Models, a_network_trains_a_step_is_saved_and_loads) {
  const ModelPtr model = ResNet20({.classes = 3, .input_shape = {3, 16, 16}});
  CompiledModel training(model, {.optimizer = SGD(), .losses = {SparseCategoricalCrossentropy()}});
  const Tensor x = random_tensor(model->inputs()[0].type(), 4);
  const Tensor before = model->variables()[0]->value().clone();
  const StepResult& step =
      training.train_on_batch({{x}, {Tensor::from<int32_t>({0, 1, 2, 0}, {4})}});
  EXPECT_TRUE(std::isfinite(step.loss));
  double moved = 0.0;
  for (int64_t i = 0; i < before.count(); ++i)
    moved += std::abs(before.item(i) - model->variables()[0]->value().item(i));
  EXPECT_GT(moved, 0.0);
  const io::TemporaryFolder folder;
  save_model(*model, folder / "m.safetensors").value_or_throw();
  const ModelPtr loaded = load_model(folder / "m.safetensors").value_or_throw().model;
  expect_near(Predictor(loaded).predict({x})[0], Predictor(model).predict({x})[0], 1e-6);
}

TEST(Models, names_of_networks_and_options_are_checked) {
  EXPECT_EQ(networks().size(), 14U);
  EXPECT_THAT(error_of([] { make("ResNet19", {}); }), HasSubstr("ResNet18, ResNet20"));
  EXPECT_THAT(error_of([] { make("ResNet20", {{"clases", 3}}); }), HasSubstr("'clases'"));
  EXPECT_THAT(error_of([] { make("ResNet20", {{"classes", "three"}}); }), HasSubstr("classes"));
  EXPECT_THAT(error_of([] { ResNet20({.pooling = "mean"}); }), HasSubstr("pooling"));
  EXPECT_THAT(error_of([] { UNet({.input_shape = {3, 100, 128}}); }), HasSubstr("multiples of 16"));
}

io::NamedTensors torch_names() {
  io::NamedTensors out;
  out["c1.weight"] = Tensor::full(DType::f64, {6, 1, 5, 5}, 0.5);
  out["c1.bias"] = Tensor::full(DType::f32, {6}, 0.25);
  out["c3.weight"] = Tensor::full(DType::f32, {16, 6, 5, 5}, 0.125);
  out["c3.bias"] = Tensor::zeros(DType::f32, {16});
  for (const auto& [name, out_in] :
       std::map<std::string, Sizes>{{"c5", {120, 400}}, {"f6", {84, 120}}, {"output", {10, 84}}}) {
    Tensor w = Tensor::zeros(DType::f32, out_in);
    w.data<float>()[1] = 2.0F;  // row 0, column 1
    out[name + ".weight"] = w;
    out[name + ".bias"] = Tensor::zeros(DType::f32, {out_in[0]});
  }
  return out;
}

TEST(StateDict, tensors_fit_by_pytorchs_names) {
  const ModelPtr model = LeNet5();
  assign_weights(*model, torch_names(), "x.pt");
  EXPECT_EQ(model->variables()[0]->value().item(7), 0.5);
  const Tensor& dense = model->layer("c5")->variables()[0]->value();  // [400, 120]
  EXPECT_EQ(dense.item(120), 2.0);
  EXPECT_EQ(dense.item(1), 0.0);
  // Behind a wrapper's words, beside what else a training loop saves.
  io::NamedTensors wrapped;
  for (const auto& [name, t] : torch_names()) wrapped["state_dict.module." + name] = t;
  wrapped["optimizer.slots.0"] = Tensor::zeros(DType::f32, {1});
  const ModelPtr other = LeNet5();
  assign_weights(*other, wrapped, "x.tar");
  EXPECT_EQ(other->variables()[0]->value().item(7), 0.5);
}

TEST(StateDict, what_does_not_fit_is_named_and_nothing_changes) {
  const ModelPtr model = LeNet5();
  io::NamedTensors tensors = torch_names();
  tensors.erase("c3.bias");
  tensors["head.weight"] = Tensor::zeros(DType::f32, {2});
  tensors["c1.weight"] = Tensor::zeros(DType::f32, {6, 3, 5, 5});
  const double before = model->variables()[1]->value().item(0);
  const std::string error = error_of([&] { assign_weights(*model, tensors, "x.pt"); });
  EXPECT_THAT(error, HasSubstr("missing: c3.bias"));
  EXPECT_THAT(error, HasSubstr("unexpected: head.weight"));
  EXPECT_THAT(error, HasSubstr("c1.weight is [6,3,5,5] in the file, [6,1,5,5] in the model"));
  EXPECT_EQ(model->variables()[1]->value().item(0), before);
  assign_weights(*model, tensors, "x.pt", {.skip_mismatch = true});
  EXPECT_EQ(model->variables()[1]->value().item(0), 0.25);
  EXPECT_THAT(error_of([&] { assign_weights(*model, {}, "x.pt"); }), HasSubstr("c1.weight"));
}

}  // namespace
}  // namespace andiron::nn::models
