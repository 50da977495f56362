#include "andiron/ops/optimizer/adadelta.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Adadelta::attributes() {
  return {{"rho", 0.95, "decay of the averages"},
          {"epsilon", 1e-7, "added under both roots"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Adadelta::formula() {
  return "a = rho a + (1 - rho) g^2; m = sqrt(d + epsilon) g / sqrt(a + epsilon); "
         "d = rho d + (1 - rho) m^2; p -= lr m";
}

extern const Op kAdadeltaUpdate =
    update_op<Adadelta>({{}, {{"rho", 0.9}, {"epsilon", 0.1}, {"weight_decay", 0.01}}});
extern const Op kAdadeltaUpdateRows = update_rows_op<Adadelta>();
extern const Op kAdadeltaCatchUp = catch_up_op<Adadelta>();
extern const Op kAdadeltaRecord = record_op<Adadelta>();

}  // namespace andiron::ops
