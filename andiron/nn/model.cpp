#include "andiron/nn/model.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "andiron/base/error.hpp"
#include "andiron/nn/class_name.hpp"
#include "andiron/nn/layers/input.hpp"
#include "andiron/nn/masks.hpp"
#include "andiron/nn/settled.hpp"
#include "andiron/nn/texts.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron::nn {

namespace {

using CallPtr = std::shared_ptr<const LayerCall>;

bool is_input(const SymbolicTensor& t) {
  return dynamic_cast<const InputLayer*>(t.layer().get()) != nullptr;
}

// A model may begin in the middle of a network: such an input gets an Input of its type, and the
// calls behind it are made anew on it.
void begin_at_inputs(std::vector<SymbolicTensor>& inputs, std::vector<SymbolicTensor>& outputs) {
  if (std::all_of(inputs.begin(), inputs.end(), is_input)) return;
  std::map<std::pair<const LayerCall*, int>, SymbolicTensor> moved;
  std::vector<SymbolicTensor> starts;
  for (const SymbolicTensor& t : inputs) {
    if (is_input(t)) {
      starts.push_back(t);
    } else {
      auto layer = std::make_shared<InputLayer>(t.type(), LayerOptions{}, is_text(t));
      starts.push_back(layer->output());
    }
    moved.emplace(std::pair{t.call().get(), t.index()}, starts.back());
  }
  auto at = [&](const SymbolicTensor& t) {
    auto it = moved.find({t.call().get(), t.index()});
    return it == moved.end() ? t : it->second;
  };
  for (const CallPtr& call : calls_of(outputs)) {
    auto copy = std::make_shared<LayerCall>(*call);
    bool changed = false;
    for (SymbolicTensor& t : copy->inputs) {
      SymbolicTensor now = at(t);
      changed |= !(now == t);
      t = now;
    }
    if (!changed) continue;
    for (size_t i = 0; i < call->outputs.size(); ++i)
      moved.emplace(std::pair{call.get(), static_cast<int>(i)},
                    SymbolicTensor(copy, static_cast<int>(i)));
  }
  for (SymbolicTensor& t : outputs) t = at(t);
  inputs = std::move(starts);
}

// Keras's order: by distance from the outputs, farthest first.
std::vector<LayerPtr> layers_by_depth(const std::vector<CallPtr>& calls) {
  std::map<const LayerCall*, int> call_depth;
  std::map<const Layer*, int> depth;
  for (auto it = calls.rbegin(); it != calls.rend(); ++it) {
    const int d = call_depth[it->get()];
    int& of_layer = depth[(*it)->layer.get()];
    of_layer = std::max(of_layer, d);
    for (const SymbolicTensor& t : (*it)->inputs) {
      int& producer = call_depth[t.call().get()];
      producer = std::max(producer, d + 1);
    }
  }
  std::vector<LayerPtr> layers;
  for (const CallPtr& call : calls)
    if (std::find(layers.begin(), layers.end(), call->layer) == layers.end())
      layers.push_back(call->layer);
  std::stable_sort(layers.begin(), layers.end(), [&](const LayerPtr& a, const LayerPtr& b) {
    return depth[a.get()] > depth[b.get()];
  });
  return layers;
}

}  // namespace

FunctionalModel::FunctionalModel(std::vector<SymbolicTensor> inputs,
                                 std::vector<SymbolicTensor> outputs, LayerOptions options)
    : Layer(std::move(options)) {
  set_network(std::move(inputs), std::move(outputs));
}

void FunctionalModel::set_network(std::vector<SymbolicTensor> inputs,
                                  std::vector<SymbolicTensor> outputs) {
  if (inputs.empty()) fail("[Model] needs one input or more");
  if (outputs.empty()) fail("[Model] needs one output or more");
  for (const auto* list : {&inputs, &outputs})
    for (const SymbolicTensor& t : *list)
      if (!t.defined()) fail("[Model] an input or output is undefined");
  for (size_t i = 0; i < inputs.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (inputs[i] == inputs[j]) fail("[Model] input {} is input {} again", i, j);
  begin_at_inputs(inputs, outputs);
  calls_ = calls_of(outputs);
  for (const CallPtr& call : calls_) {
    const bool given = std::any_of(inputs.begin(), inputs.end(),
                                   [&](const SymbolicTensor& t) { return t.call() == call; });
    if (!given && is_input(SymbolicTensor(call, 0)))
      fail("[Model] an output depends on the input '{}', which is not among the model's inputs",
           call->layer->name().empty() ? "input_layer" : call->layer->name());
  }
  layers_ = layers_by_depth(calls_);
  for (const SymbolicTensor& t : inputs)  // one that no output depends on
    if (std::find(layers_.begin(), layers_.end(), t.layer()) == layers_.end())
      layers_.push_back(t.layer());
  inputs_ = std::move(inputs);
  outputs_ = std::move(outputs);
  name_layers(layers_);
  std::vector<TensorType> types;
  for (const SymbolicTensor& t : inputs_) types.push_back(t.type());
  mark_built(std::move(types));
}

namespace {

// "dense" of "dense_12".
std::string without_number(const std::string& name) {
  const size_t last = name.find_last_not_of("0123456789");
  const bool numbered = last != std::string::npos && last > 0 && last + 1 < name.size();
  return numbered && name[last] == '_' ? name.substr(0, last) : name;
}

}  // namespace

void name_layers(const std::vector<LayerPtr>& layers) {
  std::set<std::string> used;
  for (const LayerPtr& layer : layers)
    if (layer->name_given() && !used.insert(layer->name()).second)
      fail("[Model] two layers are named '{}'; all names must be unique", layer->name());
  for (const LayerPtr& layer : layers) {
    if (!layer->name_given()) {
      const std::string known = layer->name();
      const std::string base =
          known.empty() ? snake_case(layer->class_name()) : without_number(known);
      std::string name = known.empty() ? base : known;
      for (int i = 1; used.count(name) > 0; ++i) name = base + "_" + std::to_string(i);
      used.insert(name);
      layer->set_automatic_name(name);
    }
    layer->set_path(layer->name());
  }
}

std::vector<std::string> FunctionalModel::input_names() const {
  std::vector<std::string> names;
  for (const SymbolicTensor& t : inputs_) names.push_back(t.layer()->name());
  return names;
}

std::vector<std::string> FunctionalModel::output_names() const {
  std::vector<std::string> names;
  for (const SymbolicTensor& t : outputs_) {
    const std::string& base = t.layer()->name();
    std::string name = base;
    // A layer may make several outputs.
    for (int i = 1; std::find(names.begin(), names.end(), name) != names.end(); ++i)
      name = base + "_" + std::to_string(i);
    names.push_back(name);
  }
  return names;
}

const LayerPtr& FunctionalModel::layer(std::string_view name) const {
  std::string known;
  for (const LayerPtr& layer : layers()) {
    if (layer->name() == name) return layer;
    known += (known.empty() ? "" : ", ") + layer->name();
  }
  fail("[Model] has no layer '{}'; there are {}", name, known);
}

std::vector<Value> FunctionalModel::compute(const std::vector<Value>& inputs,
                                            CallContext& context) {
  expect_inputs(inputs.size(), inputs_.size());
  std::map<std::pair<const LayerCall*, int>, Value> values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorType& type = inputs_[i].type();
    Value x = inputs[i];
    if (x.rank() != type.shape.rank())
      reject(fmt::format("input '{}' must be {}; got {}", inputs_[i].layer()->name(),
                         type.shape.str(), x.shape().str()));
    if (x.dtype() != type.dtype) {
      x = ops::cast(x, type.dtype);
      Masks::set(x, Masks::of(inputs[i]));
    }
    values[{inputs_[i].call().get(), inputs_[i].index()}] = x;
  }
  const bool training = context.training;
  for (const CallPtr& call : calls_) {
    if (values.count({call.get(), 0}) > 0) continue;
    std::vector<Value> arguments;
    for (const SymbolicTensor& t : call->inputs)
      arguments.push_back(values.at({t.call().get(), t.index()}));
    context.training = call->training.value_or(training);
    std::vector<Value> results = call->layer->call(arguments, context);
    context.training = training;
    for (size_t i = 0; i < results.size(); ++i)
      values[{call.get(), static_cast<int>(i)}] = results[i];
  }
  std::vector<Value> outputs;
  for (const SymbolicTensor& t : outputs_)
    outputs.push_back(values.at({t.call().get(), t.index()}));
  return outputs;
}

std::vector<Value> FunctionalModel::placeholders() const {
  if (inputs_.empty()) reject("is not built: it has no Input, and no data were seen");
  std::vector<Value> out;
  const std::vector<std::string> names = input_names();
  for (size_t i = 0; i < inputs_.size(); ++i)
    out.push_back(input(names[i], inputs_[i].dtype(), inputs_[i].shape()));
  return out;
}

std::vector<Value> FunctionalModel::apply(const std::vector<Value>& inputs, CallContext& context) {
  settle_all(*this);
  Masks::Scope masks;
  if (inputs_.empty()) return call(inputs, context);
  return compute(inputs, context);  // no name scope: nodes are named by the layers
}

Graph FunctionalModel::trace(bool training) {
  std::vector<Value> inputs = placeholders();
  CallContext context;
  context.training = training;
  if (training) context.step = input("step", DType::i64, {});
  std::vector<Value> outputs = apply(inputs, context);
  if (training) inputs.push_back(context.step);
  return Graph(std::move(inputs), std::move(outputs));
}

std::vector<Tensor> FunctionalModel::weights() const {
  std::vector<Tensor> out;
  for (const VariablePtr& v : variables()) out.push_back(v->value().clone());
  return out;
}

void FunctionalModel::set_weights(const std::vector<Tensor>& weights) {
  const std::vector<VariablePtr> all = variables();
  if (weights.size() != all.size())
    fail("[set_weights] the model has {} weights; got {}", all.size(), weights.size());
  for (size_t i = 0; i < all.size(); ++i)
    if (weights[i].sizes() != all[i]->value().sizes())
      fail("[set_weights] '{}' is {}; got {}", all[i]->name(), str(all[i]->value().sizes()),
           str(weights[i].sizes()));
  for (size_t i = 0; i < all.size(); ++i) all[i]->assign(weights[i]);
}

ModelPtr Model(std::vector<SymbolicTensor> inputs, std::vector<SymbolicTensor> outputs,
               LayerOptions options) {
  return std::make_shared<FunctionalModel>(std::move(inputs), std::move(outputs),
                                           std::move(options));
}

}  // namespace andiron::nn
