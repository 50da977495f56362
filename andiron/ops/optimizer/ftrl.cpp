#include "andiron/ops/optimizer/ftrl.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Ftrl::attributes() {
  return {{"learning_rate_power", -0.5, "how the step shrinks with the accumulator"},
          {"l1_regularization_strength", 0.0, "pulls small parameters to exactly 0"},
          {"l2_regularization_strength", 0.0, "pulls all parameters towards 0"},
          {"l2_shrinkage_regularization_strength", 0.0, "added to the gradient, twice times p"},
          {"beta", 0.0, "the paper's beta"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Ftrl::formula() {
  return "g' = g + 2 shrinkage p; n' = n + g^2; z += g' - (n'^-power - n^-power) / lr p; "
         "p = (clip(z, -l1, l1) - z) / (n'^-power / lr + 2 l2 + beta / lr); n = n'";
}

extern const Op kFtrlUpdate = update_op<Ftrl>({{},
                                               {{"learning_rate_power", -0.7}},
                                               {{"l1_regularization_strength", 0.1},
                                                {"l2_regularization_strength", 0.2},
                                                {"l2_shrinkage_regularization_strength", 0.05},
                                                {"beta", 0.3},
                                                {"weight_decay", 0.01}}});
extern const Op kFtrlUpdateRows = update_rows_op<Ftrl>();
extern const Op kFtrlCatchUp = catch_up_op<Ftrl>();
extern const Op kFtrlRecord = record_op<Ftrl>();

}  // namespace andiron::ops
