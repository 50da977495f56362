#include "andiron/ops/optimizer/lion.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Lion::attributes() {
  return {{"beta_1", 0.9, "share of the momentum in the step's sign"},
          {"beta_2", 0.99, "decay of the momentum"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Lion::formula() {
  return "p -= lr sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g";
}

extern const Op kLionUpdate = update_op<Lion>({{}, {{"beta_1", 0.5}, {"weight_decay", 0.01}}});
extern const Op kLionUpdateRows = update_rows_op<Lion>();
extern const Op kLionCatchUp = catch_up_op<Lion>();
extern const Op kLionRecord = record_op<Lion>();

}  // namespace andiron::ops
