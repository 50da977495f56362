#include "andiron/nn/symbolic.hpp"

#include <unordered_set>

#include "andiron/nn/layers/input.hpp"

namespace andiron::nn {

const TensorType& SymbolicTensor::type() const {
  return call_->outputs[static_cast<size_t>(index_)];
}
const std::shared_ptr<Layer>& SymbolicTensor::layer() const { return call_->layer; }

std::vector<std::shared_ptr<const LayerCall>> calls_of(const std::vector<SymbolicTensor>& outputs) {
  std::vector<std::shared_ptr<const LayerCall>> order;
  std::unordered_set<const LayerCall*> seen;
  std::vector<std::pair<std::shared_ptr<const LayerCall>, size_t>> stack;
  for (const SymbolicTensor& output : outputs) {
    if (!seen.insert(output.call().get()).second) continue;
    stack.emplace_back(output.call(), 0);
    while (!stack.empty()) {
      auto& [call, next] = stack.back();
      if (next == call->inputs.size()) {
        order.push_back(call);
        stack.pop_back();
        continue;
      }
      const auto& producer = call->inputs[next++].call();
      if (seen.insert(producer.get()).second) stack.emplace_back(producer, 0);
    }
  }
  return order;
}

Dim batch_dim() { return Dim::symbol("batch"); }

SymbolicTensor Input(Shape shape, InputOptions options) {
  shape.insert(shape.begin(), batch_dim());
  auto layer = std::make_shared<InputLayer>(TensorType{options.dtype, std::move(shape)},
                                            LayerOptions{.name = std::move(options.name)});
  return layer->output();
}

}  // namespace andiron::nn
