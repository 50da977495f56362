#include "andiron/ops/optimizer/rmsprop.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> RmsProp::attributes() {
  return {{"rho", 0.9, "decay of the averages"},
          {"momentum", 0.0, "decay of the moving step"},
          {"epsilon", 1e-7, "added under the root"},
          {"centered", false, "subtract the squared average gradient under the root"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* RmsProp::formula() {
  return "v = rho v + (1 - rho) g^2; centered: a = rho a + (1 - rho) g and v - a^2 below; "
         "d = lr g / sqrt(v + epsilon); with momentum: m = momentum m + d and d = m; p -= d";
}

extern const Op kRmsPropUpdate = update_op<RmsProp>(
    {{},
     {{"momentum", 0.5}},
     {{"centered", true}, {"epsilon", 1.0}, {"momentum", 0.5}, {"weight_decay", 0.01}}});
extern const Op kRmsPropUpdateRows = update_rows_op<RmsProp>();
extern const Op kRmsPropCatchUp = catch_up_op<RmsProp>();
extern const Op kRmsPropRecord = record_op<RmsProp>();

}  // namespace andiron::ops
