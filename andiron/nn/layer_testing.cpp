#include "andiron/nn/layer_testing.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "andiron/base/philox.hpp"
#include "andiron/nn/compiled_model.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/model_file.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/predictor.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn::testing {

Tensor random_tensor(const TensorType& type, int64_t rows, int64_t max_id, int64_t seed) {
  Tensor out(DType::f64, type.shape.bind({{"batch", rows}}).sizes());
  const Philox philox{static_cast<uint64_t>(seed)};
  for (int64_t i = 0; i < out.count(); ++i) {
    const double u = static_cast<double>(uniform_float(philox(static_cast<uint64_t>(i))[0]));
    out.data<double>()[i] =
        is_floating(type.dtype) ? 2.0 * u - 1.0 : std::floor(u * static_cast<double>(max_id));
  }
  return out.cast(type.dtype);
}

void expect_near(const Tensor& a, const Tensor& b, double tolerance) {
  ASSERT_EQ(a.sizes(), b.sizes());
  for (int64_t i = 0; i < a.count(); ++i)
    ASSERT_LE(std::abs(a.item(i) - b.item(i)), tolerance)
        << "at " << i << ": " << a.item(i) << " and " << b.item(i);
}

namespace {

std::vector<Tensor> inputs_of(const LayerCase& c, int64_t rows) {
  std::vector<Tensor> out;
  for (const TensorType& type : c.inputs)
    out.push_back(random_tensor(type, rows, c.max_id, static_cast<int64_t>(out.size()) + 1));
  return out;
}

void check_training_step(const ModelPtr& model, const LayerCase& c) {
  // The sum of squares of all outputs moves every weight that it depends on.
  const LossPtr loss = CustomLoss([](const Value& y_true, const Value& y_pred) {
    const Value flat = ops::flatten(ops::expand_dims(y_pred, -1));
    return ops::sum(ops::square(flat - 1.5), {-1}) +
           0.0 * ops::sum(ops::flatten(ops::expand_dims(y_true, -1)), {-1});
  });
  CompiledModel compiled(model, {.optimizer = SGD({.learning_rate = 0.1}), .losses = {loss}});
  const std::vector<Tensor> before = model->weights();
  Batch batch{.x = inputs_of(c, 3)};
  for (const TensorType& type : c.outputs) batch.y.push_back(random_tensor(type, 3));
  const StepResult& result = compiled.train_on_batch(batch);
  EXPECT_TRUE(std::isfinite(result.loss));
  const std::vector<VariablePtr> variables = model->variables();
  for (size_t i = 0; i < variables.size(); ++i) {
    bool moved = false;
    for (int64_t j = 0; j < before[i].count(); ++j)
      moved |= before[i].item(j) != variables[i]->value().item(j);
    EXPECT_EQ(moved, variables[i]->trainable()) << variables[i]->name();
  }
  EXPECT_TRUE(std::isfinite(compiled.test_on_batch(batch).loss));
}

}  // namespace

void run_layer_test(const LayerPtr& layer, const LayerCase& c) {
  SCOPED_TRACE(layer->class_name());
  std::vector<SymbolicTensor> inputs;
  for (const TensorType& type : c.inputs) {
    Shape shape = type.shape;
    shape.erase(shape.begin());
    inputs.push_back(Input(shape, {.dtype = type.dtype}));
  }
  const std::vector<SymbolicTensor> outputs = layer->call_symbolic(inputs);
  ASSERT_EQ(outputs.size(), c.outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(str(outputs[i].type()), str(c.outputs[i]));
  EXPECT_EQ(layer->variables().size(), c.n_weights);
  EXPECT_EQ(layer->trainable_variables().size(), c.n_trainable);
  EXPECT_EQ(layer->count_params(), c.n_params);
  EXPECT_EQ(layer->regularization_losses().size(), c.n_losses);

  const ModelPtr model = Model(inputs, outputs);
  const std::vector<Tensor> x = inputs_of(c, 5);
  const std::vector<Tensor> y = Predictor(model).predict(x);
  for (size_t i = 0; i < y.size(); ++i) {
    EXPECT_EQ(y[i].dtype(), c.outputs[i].dtype);
    EXPECT_EQ(y[i].sizes(), c.outputs[i].shape.bind({{"batch", 5}}).sizes());
  }

  Result<LoadedModel> loaded = model_from_bytes(model_bytes(*model));
  ASSERT_TRUE(loaded.ok()) << loaded.failure().report();
  const ModelPtr& again = loaded.value().model;
  EXPECT_EQ(again->config(), model->config());
  EXPECT_EQ(again->variables().size(), model->variables().size());
  const std::vector<Tensor> same = Predictor(again).predict(x);
  for (size_t i = 0; i < y.size(); ++i) expect_near(y[i], same[i], 0.0);

  if (!c.differentiable) return;
  check_training_step(model, c);
  check_training_step(again, c);
  for (size_t i = 0; i < model->variables().size(); ++i)
    expect_near(model->variables()[i]->value(), again->variables()[i]->value(), 1e-6);
}

}  // namespace andiron::nn::testing
