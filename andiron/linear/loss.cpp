#include "andiron/linear/loss.hpp"

#include "andiron/base/error.hpp"

namespace andiron::linear {

std::string_view name_of(Loss loss) {
  switch (loss) {
    case Loss::softmax:
      return "softmax";
    case Loss::sigmoid:
      return "sigmoid";
    case Loss::squared_hinge:
      return "squared_hinge";
  }
  return "";
}

Loss loss_from(const std::string& name) {
  for (const Loss loss : {Loss::softmax, Loss::sigmoid, Loss::squared_hinge})
    if (name == name_of(loss)) return loss;
  fail("[linear] loss is \"softmax\", \"sigmoid\" or \"squared_hinge\"; got \"{}\"", name);
}

}  // namespace andiron::linear
