// A program outside the tree: the slope of x² summed, which is 2x, at 3, -2 and 5.
#include <andiron/andiron.hpp>
#include <cstdio>

using namespace andiron;

int main() {
  auto slope = eager::grad([](const Value& x) { return ops::sum(ops::square(x)); });
  const Tensor at = slope(Tensor::from<float>({3.0f, -2.0f, 5.0f}, {3}));
  for (int64_t i = 0; i < at.count(); ++i) std::printf("%g\n", at.item(i));
}
