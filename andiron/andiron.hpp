#pragma once

/// What a C++ program includes:
///
///   using namespace andiron;
///   auto x = nn::Input({784});
///   auto h = nn::Dense(512, {.activation = "relu"})(x);
///   auto y = nn::Dense(10, {.activation = "softmax"})(h);
///   auto model = nn::Model(x, y);
///   nn::CompiledModel training(model, {.optimizer = nn::Adam(),
///                                      .losses = {nn::SparseCategoricalCrossentropy()}});
///   training.train_on_batch({{images}, {labels}});
///   nn::save_model(*model, "digits.safetensors").value_or_throw();
///
/// Names, arguments and defaults are those of the Python face. Other headers are internal.

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/base/result.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/eager/functional.hpp"
#include "andiron/exec/plan.hpp"
#include "andiron/graph/graph.hpp"
#include "andiron/nn/compiled_model.hpp"
#include "andiron/nn/layers.hpp"
#include "andiron/nn/losses/losses.hpp"
#include "andiron/nn/model.hpp"
#include "andiron/nn/model_file.hpp"
#include "andiron/nn/models/models.hpp"
#include "andiron/nn/optimizers/optimizer.hpp"
#include "andiron/nn/predictor.hpp"
#include "andiron/nn/seed.hpp"
#include "andiron/ops/host/host_function.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/tensor/tensor.hpp"
#include "andiron/train/callbacks.hpp"
#include "andiron/train/data/array_dataset.hpp"
#include "andiron/train/dataset_source.hpp"
#include "andiron/train/trainer.hpp"
