#include "andiron/nn/layers/input.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"

namespace andiron::nn {

InputLayer::InputLayer(TensorType type, LayerOptions options, bool texts)
    : Layer(std::move(options)), type_(std::move(type)), texts_(texts) {
  if (texts_) type_.dtype = DType::i64;
  for (size_t axis = 1; axis < type_.shape.size(); ++axis)
    if (type_.shape[axis].known() && type_.shape[axis].size() < 0)
      fail("[Input] sizes are not negative; shape is {}", type_.shape.str());
}

nlohmann::json InputLayer::config() const {
  nlohmann::json config = Layer::config();
  nlohmann::json shape = nlohmann::json::array({nullptr});
  for (size_t axis = 1; axis < type_.shape.size(); ++axis) {
    const Dim& d = type_.shape[axis];
    shape.push_back(d.known() ? nlohmann::json(d.size()) : nlohmann::json(d.str()));
  }
  config["batch_shape"] = shape;
  config["dtype"] = texts_ ? "string" : name_of(type_.dtype);
  return config;
}

LayerPtr InputLayer::from_config(const nlohmann::json& config) {
  Shape shape = {batch_dim()};
  const nlohmann::json& sizes = config.at("batch_shape");
  for (size_t axis = 1; axis < sizes.size(); ++axis)
    shape.push_back(sizes[axis].is_string() ? Dim::symbol(sizes[axis].get<std::string>())
                                            : Dim(sizes[axis].get<int64_t>()));
  const std::string dtype = config.value("dtype", "float32");
  const bool texts = dtype == "string";
  return std::make_shared<InputLayer>(
      TensorType{texts ? DType::i64 : parse_dtype(dtype), std::move(shape)}, LayerOptions{}, texts);
}

SymbolicTensor InputLayer::output() {
  build({type_});
  auto call = std::make_shared<LayerCall>();
  call->layer = shared_from_this();
  call->outputs = {type_};
  return SymbolicTensor(std::move(call), 0);
}

std::vector<Value> InputLayer::compute(const std::vector<Value>& inputs, CallContext&) {
  return inputs;
}

}  // namespace andiron::nn
