#include "andiron/ops/optimizer/rprop.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Rprop::attributes() {
  return {{"eta_minus", 0.5, "factor of a step size where the gradient's sign changed"},
          {"eta_plus", 1.2, "factor where it stayed"},
          {"step_min", 1e-6, "smallest step size"},
          {"step_max", 50.0, "largest step size"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Rprop::formula() {
  return "s *= eta_plus where g g' > 0, eta_minus where g g' < 0; s = clip(s, step_min, step_max); "
         "g = 0 where g g' < 0; p -= s sign(g); g' = g";
}

extern const Op kRpropUpdate = update_op<Rprop>({{}, {{"step_max", 0.5}, {"weight_decay", 0.01}}});
extern const Op kRpropUpdateRows = update_rows_op<Rprop>();
extern const Op kRpropCatchUp = catch_up_op<Rprop>();
extern const Op kRpropRecord = record_op<Rprop>();

}  // namespace andiron::ops
