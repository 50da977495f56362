// The analytic gradient, which autodiff builds as a graph, against the numerical one: the slope
// between two points close by.
#include <cmath>
#include <cstdio>

#include "andiron/andiron.hpp"

using namespace andiron;

int main() {
  auto f = [](const Value& x) {
    return ops::sum(ops::sigmoid(x) * ops::square(x) + ops::log1p(ops::exp(x)));
  };
  auto analytic = eager::value_and_grad(f);

  const Tensor x = Tensor::from<double>({-2.0, -0.5, 0.0, 0.7, 3.0}, {5});
  const auto [value, slope] = analytic(x);
  std::printf("f(x) = %.6f\n\n     x   analytic  numerical  difference\n", value.item());

  double worst = 0.0;
  const double h = 1e-5;
  for (int64_t i = 0; i < x.count(); ++i) {
    Tensor right = x.clone(), left = x.clone();
    right.data<double>()[i] += h;
    left.data<double>()[i] -= h;
    const double numerical =
        (analytic(right).first.item() - analytic(left).first.item()) / (2.0 * h);
    const double difference = std::abs(numerical - slope.item(i));
    std::printf("%6.2f %10.6f %10.6f  %.1e\n", x.item(i), slope.item(i), numerical, difference);
    worst = std::max(worst, difference);
  }
  return worst < 1e-8 ? 0 : 1;
}
