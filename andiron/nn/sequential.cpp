#include "andiron/base/error.hpp"
#include "andiron/nn/layers/input.hpp"
#include "andiron/nn/model.hpp"

namespace andiron::nn {

SequentialModel::SequentialModel(std::vector<LayerPtr> layers, LayerOptions options)
    : FunctionalModel(std::move(options)), stack_(std::move(layers)) {
  for (size_t i = 0; i < stack_.size(); ++i) check(i);
  connect();
}

void SequentialModel::check(size_t i) const {
  if (stack_[i] == nullptr) reject("a layer is undefined");
  if (i > 0 && dynamic_cast<InputLayer*>(stack_[i].get()) != nullptr)
    reject("an Input can only stand first");
}

void SequentialModel::add(LayerPtr layer) {
  stack_.push_back(std::move(layer));
  check(stack_.size() - 1);
  connect();
}

void SequentialModel::pop() {
  if (stack_.empty()) reject("has no layer to pop");
  stack_.pop_back();
  connect();
}

// The network is described as soon as the first layer's input is known.
void SequentialModel::connect() {
  name_layers(stack_);
  const bool starts = !stack_.empty() && dynamic_cast<InputLayer*>(stack_[0].get()) != nullptr;
  if (starts) {
    if (stack_.size() > 1)
      connect_from(std::static_pointer_cast<InputLayer>(stack_[0])->output(), 1);
  } else if (!inputs().empty() && !stack_.empty()) {
    connect_from(inputs()[0], 0);
  }
}

void SequentialModel::connect_from(const SymbolicTensor& input, size_t first) {
  SymbolicTensor x = input;
  for (size_t i = first; i < stack_.size(); ++i) {
    const std::vector<SymbolicTensor> outputs = stack_[i]->call_symbolic({x});
    if (outputs.size() != 1)
      reject(fmt::format("takes layers with one output; '{}' has {}", stack_[i]->name(),
                         outputs.size()));
    x = outputs[0];
  }
  set_network({input}, {x});
}

void SequentialModel::build_variables(const std::vector<TensorType>& types) {
  expect_inputs(types.size(), 1);
  if (stack_.empty()) reject("has no layers");
  TensorType type = types[0];
  if (type.shape.empty()) reject("needs a batch axis; got a scalar");
  type.shape[0] = batch_dim();
  connect_from(std::make_shared<InputLayer>(type)->output(), 0);
}

std::shared_ptr<SequentialModel> Sequential(std::vector<LayerRef> layers, LayerOptions options) {
  return std::make_shared<SequentialModel>(std::vector<LayerPtr>(layers.begin(), layers.end()),
                                           std::move(options));
}

}  // namespace andiron::nn
