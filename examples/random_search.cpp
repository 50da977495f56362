// Why gradients: the same network, the same data, once trained by trying random moves and keeping
// the good ones, once by following the slope.
#include <cstdio>

#include "andiron/andiron.hpp"

using namespace andiron;

namespace {

nn::ModelPtr make_model() {
  nn::set_random_seed(1);
  return nn::Sequential({nn::Input({2}), nn::Dense(64, {.activation = "tanh"}),
                         nn::Dense(64, {.activation = "tanh"}),
                         nn::Dense(1, {.activation = "sigmoid"})});
}

double run(const char* name, const nn::OptimizerPtr& optimizer) {
  // Exclusive or: not to be had with one neuron.
  const Tensor x = Tensor::from<float>({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2});
  const Tensor y = Tensor::from<float>({0, 1, 1, 0}, {4, 1});
  nn::CompiledModel training(make_model(),
                             {.optimizer = optimizer, .losses = {nn::BinaryCrossentropy()}});
  std::printf("%-20s", name);
  for (int step = 1; step <= 500; ++step) {
    const double loss = training.train_on_batch({{x}, {y}}).loss;
    if (step == 1 || step % 100 == 0) std::printf("  %4d: %.4f", step, loss);
  }
  const double loss = training.test_on_batch({{x}, {y}}).loss;
  std::printf("  at the end: %.4f\n", loss);
  return loss;
}

}  // namespace

int main() {
  std::puts("loss after so many steps");
  const double random = run("random search", nn::RandomSearch({.learning_rate = 0.1}));
  const double slope = run("gradient descent", nn::SGD({.learning_rate = 0.5}));
  const double adam = run("Adam", nn::Adam({.learning_rate = 0.01}));
  return slope < random && adam < random && adam < 0.05 ? 0 : 1;
}
