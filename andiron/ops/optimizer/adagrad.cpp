#include "andiron/ops/optimizer/adagrad.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Adagrad::attributes() {
  return {{"epsilon", 1e-7, "added to the accumulator under the root"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Adagrad::formula() { return "a += g^2; p -= lr g / sqrt(a + epsilon)"; }

extern const Op kAdagradUpdate = update_op<Adagrad>({{}, {{"weight_decay", 0.01}}});
extern const Op kAdagradUpdateRows = update_rows_op<Adagrad>();
extern const Op kAdagradCatchUp = catch_up_op<Adagrad>();
extern const Op kAdagradRecord = record_op<Adagrad>();

}  // namespace andiron::ops
