#include "andiron/nn/optimizers/optimizer.hpp"

namespace andiron::nn {

void Optimizer::swap_averages() {
  for (const auto& [variable, average] : averages()) {
    const Tensor before = variable->value().clone();
    variable->assign(average->value());
    average->assign(before);
  }
  averages_swapped_ = !averages_swapped_;
}

void Optimizer::take_averages() {
  for (const auto& [variable, average] : averages()) {
    if (averages_swapped_) {
      average->assign(variable->value());
    } else {
      variable->assign(average->value());
    }
  }
  averages_swapped_ = false;
}

}  // namespace andiron::nn
