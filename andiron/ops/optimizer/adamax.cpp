#include "andiron/ops/optimizer/adamax.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Adamax::attributes() {
  return {{"beta_1", 0.9, "decay of the momentum"},
          {"beta_2", 0.999, "decay of the largest magnitude"},
          {"epsilon", 1e-7, "added to the divisor"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Adamax::formula() {
  return "m += (1 - beta_1) (g - m); u = max(beta_2 u, |g|); "
         "p -= lr / (1 - beta_1^step) m / (u + epsilon)";
}

extern const Op kAdamaxUpdate =
    update_op<Adamax>({{}, {{"beta_1", 0.8}, {"epsilon", 0.1}, {"weight_decay", 0.01}}});
extern const Op kAdamaxUpdateRows = update_rows_op<Adamax>();
extern const Op kAdamaxCatchUp = catch_up_op<Adamax>();
extern const Op kAdamaxRecord = record_op<Adamax>();

}  // namespace andiron::ops
