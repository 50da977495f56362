#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "andiron/nn/layer.hpp"

namespace andiron::nn::testing {

/// What any layer must do, as Keras's run_layer_test: see run_layer_test.
struct LayerCase {
  std::vector<TensorType> inputs;  ///< axis 0 is the batch
  std::vector<TensorType> outputs;
  size_t n_weights = 0, n_trainable = 0;
  int64_t n_params = 0;
  size_t n_losses = 0;
  bool differentiable = true;  ///< a training step changes the trainable weights
  int64_t max_id = 4;          ///< integers are drawn below it
};

/// Builds the layer in a model; checks output types, inferred and real, the number of weights and
/// parameters; runs a training step; saves the model, loads it and compares config and outputs.
void run_layer_test(const LayerPtr& layer, const LayerCase& expected);

/// Values in [-1, 1), or integers in [0, max_id), the same for the same seed.
Tensor random_tensor(const TensorType& type, int64_t rows, int64_t max_id = 4, int64_t seed = 1);

/// The message of the andiron::Error that `f` throws; "" when it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

/// float32[batch, sizes...]
inline TensorType f32(std::vector<int64_t> sizes) {
  Shape shape(sizes);
  shape.insert(shape.begin(), batch_dim());
  return {DType::f32, shape};
}
inline TensorType i32(std::vector<int64_t> sizes) {
  TensorType type = f32(std::move(sizes));
  type.dtype = DType::i32;
  return type;
}

/// Elementwise |a - b| <= tolerance, equal sizes; NaN is never near.
void expect_near(const Tensor& a, const Tensor& b, double tolerance);

}  // namespace andiron::nn::testing
