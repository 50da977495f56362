#include "andiron/exec/plan.hpp"

#include "andiron/base/error.hpp"
#include "andiron/exec/staged_plan.hpp"

namespace andiron::exec {

std::unique_ptr<Plan> Plan::compile(const Graph& graph, const std::map<std::string, int64_t>& sizes,
                                    const PlanOptions& options) {
  return std::make_unique<StagedPlan>(graph, sizes, options);
}

std::vector<Tensor> Plan::run(std::span<const Tensor> inputs) {
  std::vector<Tensor> outputs;
  outputs.reserve(output_types().size());
  for (const TensorType& t : output_types()) outputs.emplace_back(t.dtype, t.shape.sizes());
  run(inputs, outputs);
  return outputs;
}

}  // namespace andiron::exec
