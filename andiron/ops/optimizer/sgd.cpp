#include "andiron/ops/optimizer/sgd.hpp"

#include "andiron/ops/optimizer/optimizer_room.hpp"

namespace andiron::ops {

std::vector<AttributeSpec> Sgd::attributes() {
  return {{"momentum", 0.0, "decay of the moving step"},
          {"nesterov", false, "look ahead by one moving step"},
          {"weight_decay", 0.0, "p -= weight_decay * learning_rate * p before the step"}};
}

const char* Sgd::formula() {
  return "p -= lr g; with momentum: m = momentum m - lr g and p += m, or for nesterov "
         "p += momentum m - lr g";
}

extern const Op kSgdUpdate = update_op<Sgd>(
    {{}, {{"momentum", 0.9}}, {{"momentum", 0.9}, {"nesterov", true}, {"weight_decay", 0.01}}});
extern const Op kSgdUpdateRows = update_rows_op<Sgd>();
extern const Op kSgdCatchUp = catch_up_op<Sgd>();
extern const Op kSgdRecord = record_op<Sgd>();

}  // namespace andiron::ops
