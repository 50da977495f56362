// A fully connected network with each activation in turn, on two interleaved half moons.
#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>

#include "andiron/andiron.hpp"

using namespace andiron;

int main() {
  const int64_t n = 512;
  Tensor x(DType::f32, {n, 2}), y(DType::i32, {n});
  for (int64_t i = 0; i < n; ++i) {
    const bool upper = i % 2 == 0;
    const double angle = std::numbers::pi * static_cast<double>(i) / n;
    const double wobble = 0.1 * std::sin(91.0 * static_cast<double>(i));
    x.data<float>()[2 * i] =
        static_cast<float>(upper ? std::cos(angle) : 1.0 - std::cos(angle) + wobble);
    x.data<float>()[2 * i + 1] =
        static_cast<float>(upper ? std::sin(angle) + wobble : 0.5 - std::sin(angle));
    y.data<int32_t>()[i] = upper ? 0 : 1;
  }

  bool all_learn = true;
  for (const std::string activation :
       {"linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "softplus"}) {
    nn::set_random_seed(7);
    const nn::DenseOptions hidden = {.activation = activation};
    auto model = nn::Sequential({nn::Input({2}), nn::Dense(32, hidden), nn::Dense(32, hidden),
                                 nn::Dense(2, {.activation = "softmax"})});
    nn::CompiledModel training(model, {.optimizer = nn::Adam({.learning_rate = 0.02}),
                                       .losses = {nn::SparseCategoricalCrossentropy()}});
    double loss = 0.0;
    for (int step = 0; step < 600; ++step) loss = training.train_on_batch({{x}, {y}}).loss;

    const Tensor p = nn::Predictor(model).predict({x})[0];
    int right = 0;
    for (int64_t i = 0; i < n; ++i) right += (p.item(2 * i + 1) > 0.5) == (y.item(i) == 1.0);
    std::printf("%-11s loss %.4f  accuracy %.3f\n", activation.c_str(), loss,
                static_cast<double>(right) / n);
    // Without a nonlinearity two layers are one line, and the moons are not divided by a line.
    all_learn &= activation == "linear" ? right < n * 95 / 100 : right > n * 97 / 100;
  }
  return all_learn ? 0 : 1;
}
