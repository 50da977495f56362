#include "andiron/graph/host_function.hpp"

namespace andiron {

std::shared_ptr<const HostFunction> HostFunction::bind(
    const std::map<std::string, int64_t>& sizes) const {
  auto bound = std::make_shared<HostFunction>(*this);
  for (TensorType& type : bound->outputs) type.shape = type.shape.bind(sizes);
  return bound->outputs == outputs ? nullptr : bound;
}

}  // namespace andiron
