// Linear regression as a network of one neuron: y = w x + b, and the surface that training walks
// down: the mean squared error as a function of (w, b).
#include <cmath>
#include <cstdio>

#include "andiron/andiron.hpp"

using namespace andiron;

int main() {
  // y = 2 x + 1 and a little noise.
  const int64_t n = 64;
  Tensor x(DType::f32, {n, 1}), y(DType::f32, {n, 1});
  for (int64_t i = 0; i < n; ++i) {
    const double t = 2.0 * static_cast<double>(i) / n - 1.0;
    x.data<float>()[i] = static_cast<float>(t);
    y.data<float>()[i] = static_cast<float>(2.0 * t + 1.0 + 0.05 * std::sin(37.0 * t));
  }

  auto model = nn::Sequential({nn::Input({1}), nn::Dense(1, {.kernel_initializer = "zeros"})});
  std::fputs(model->summary().c_str(), stdout);
  nn::CompiledModel training(
      model, {.optimizer = nn::SGD({.learning_rate = 0.1}), .losses = {nn::MeanSquaredError()}});
  const VariablePtr w = model->variables()[0], b = model->variables()[1];

  // The cost surface: rows are w from 4 to 0, columns b from -1 to 3; darker is lower.
  std::puts("cost as a function of w (down) and b (across); o is where training ends");
  auto cost = [&](double weight, double bias) {
    w->assign(Tensor::full(DType::f32, {1, 1}, weight));
    b->assign(Tensor::full(DType::f32, {1}, bias));
    return training.test_on_batch({{x}, {y}}).loss;
  };
  double surface[17][33];
  for (int row = 0; row < 17; ++row)
    for (int column = 0; column < 33; ++column)
      surface[row][column] = cost(4.0 - 0.25 * row, -1.0 + 0.125 * column);

  cost(0.0, 0.0);  // start at the origin
  double loss = 0.0;
  for (int step = 1; step <= 200; ++step) {
    loss = training.train_on_batch({{x}, {y}}).loss;
    if (step == 1 || step % 50 == 0)
      std::printf("step %3d  loss %.5f  w %.3f  b %.3f\n", step, loss, w->value().item(),
                  b->value().item());
  }

  const double found_w = w->value().item(), found_b = b->value().item();
  const int end_row = static_cast<int>(std::lround((4.0 - found_w) / 0.25));
  const int end_column = static_cast<int>(std::lround((found_b + 1.0) / 0.125));
  for (int row = 0; row < 17; ++row) {
    for (int column = 0; column < 33; ++column) {
      static constexpr char kShades[] = "#*+=-:. ";
      const int shade = std::min(7, static_cast<int>(2.0 * std::sqrt(surface[row][column])));
      std::putchar(row == end_row && column == end_column ? 'o' : kShades[shade]);
    }
    std::putchar('\n');
  }
  return std::abs(found_w - 2.0) < 0.05 && std::abs(found_b - 1.0) < 0.05 && loss < 0.01 ? 0 : 1;
}
