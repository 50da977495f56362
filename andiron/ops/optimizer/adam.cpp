#include "andiron/ops/optimizer/adam.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Adam::attributes() {
  return {{"beta_1", 0.9, "decay of momentum"},
          {"beta_2", 0.999, "decay of velocity"},
          {"epsilon", 1e-7, "added to the root of velocity (epsilon-hat of the paper)"},
          {"amsgrad", false, "divide by the largest velocity so far"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Adam::formula() {
  return "alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t); m += (g - m)(1 - beta_1); "
         "v += (g^2 - v)(1 - beta_2); p -= m alpha / (sqrt(v) + epsilon)";
}

extern const Op kAdamUpdate = update_op<Adam>({{}, {{"amsgrad", true}, {"weight_decay", 0.01}}});
extern const Op kAdamUpdateRows = update_rows_op<Adam>();
extern const Op kAdamCatchUp = catch_up_op<Adam>();
extern const Op kAdamRecord = record_op<Adam>();

}  // namespace andiron::ops
