#include "andiron/nn/layer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/base/philox.hpp"
#include "andiron/nn/class_name.hpp"
#include "andiron/nn/initial_values.hpp"
#include "andiron/nn/masks.hpp"
#include "andiron/nn/mixed_precision.hpp"
#include "andiron/nn/texts.hpp"

namespace andiron::nn {

namespace {

thread_local bool skip_initial_values = false;

void add_once(std::vector<VariablePtr>& list, const VariablePtr& variable) {
  if (std::find(list.begin(), list.end(), variable) == list.end()) list.push_back(variable);
}

std::vector<TensorType> types_of(const std::vector<Value>& values) {
  std::vector<TensorType> types;
  for (const Value& v : values) types.push_back(v.type());
  return types;
}

}  // namespace

NoInitialValues::NoInitialValues() : previous_(skip_initial_values) { skip_initial_values = true; }
NoInitialValues::~NoInitialValues() { skip_initial_values = previous_; }

int64_t CallContext::draw_seed(int64_t layer_seed) {
  return static_cast<int64_t>(
      mix_key(static_cast<uint64_t>(layer_seed), static_cast<uint64_t>(draws_++)) >> 11);
}

Layer::Layer(LayerOptions options)
    : name_(std::move(options.name)), name_given_(!name_.empty()), trainable_(options.trainable) {
  if (name_.find('/') != std::string::npos)
    fail("[layer] a name must not contain '/'; got '{}'", name_);
}

void Layer::set_name(std::string name) {
  name_ = std::move(name);
  name_given_ = !name_.empty();
  set_path(name_);
}

void Layer::set_trainable(bool trainable) {
  trainable_ = trainable;
  for (const LayerPtr& layer : sublayers()) layer->set_trainable(trainable);
}

void Layer::set_dtype_policy(const std::string& policy) {
  check_dtype_policy(policy);
  dtype_policy_ = policy;
  for (const LayerPtr& layer : sublayers()) layer->set_dtype_policy(policy);
}

void Layer::build(const std::vector<TensorType>& inputs) {
  if (built_) return;
  build_variables(inputs);
  mark_built(inputs);
}

void Layer::mark_built(std::vector<TensorType> input_types) {
  input_types_ = std::move(input_types);
  built_ = true;
}

std::vector<Value> Layer::call(const std::vector<Value>& inputs, CallContext& context) {
  for (const Value& v : inputs)
    if (!v.defined()) reject("an input is undefined");
  build(types_of(inputs));
  const std::string& outer = NameScope::current();
  const std::string own = name_.empty() ? snake_case(class_name()) : name_;
  NameScope scope(outer.empty() ? own : outer + "/" + own);
  Masks::Scope masks;
  const TraceMark before(context);
  std::vector<Value> outputs = compute(inputs, context);
  if (dtype_policy_ != "float32") {
    const Value mask = Masks::of(outputs[0]);
    outputs = narrow_products(inputs, outputs, before, context);
    Masks::set(outputs[0], mask);
  }
  context.finished.resize(before.finished);
  context.finished.insert(context.finished.end(), outputs.begin(), outputs.end());
  if (keeps_mask(class_name()) && !(outputs[0] == inputs[0]))
    Masks::set(outputs[0], Masks::of(inputs[0]));
  return outputs;
}

std::vector<TensorType> Layer::output_types(const std::vector<TensorType>& inputs) {
  std::vector<Value> values;
  for (const TensorType& type : inputs)
    values.push_back(input("input_" + std::to_string(values.size()), type.dtype, type.shape));
  CallContext context;
  return types_of(call(values, context));
}

std::vector<SymbolicTensor> Layer::call_symbolic(const std::vector<SymbolicTensor>& inputs,
                                                 std::optional<bool> training) {
  std::vector<TensorType> types;
  std::vector<bool> texts;
  for (const SymbolicTensor& x : inputs) {
    if (!x.defined()) reject("an input is undefined");
    types.push_back(x.type());
    texts.push_back(is_text(x));
  }
  check_texts(*this, texts);
  auto call = std::make_shared<LayerCall>();
  call->outputs = output_types(types);
  call->layer = shared_from_this();
  call->inputs = inputs;
  call->training = training;
  std::vector<SymbolicTensor> outputs;
  for (size_t i = 0; i < call->outputs.size(); ++i) outputs.emplace_back(call, static_cast<int>(i));
  return outputs;
}

std::vector<VariablePtr> Layer::variables() const {
  std::vector<VariablePtr> out;
  for (const Weight& w : weights_) add_once(out, w.variable);
  for (const LayerPtr& layer : sublayers())
    for (const VariablePtr& v : layer->variables()) add_once(out, v);
  return out;
}

std::vector<VariablePtr> Layer::trainable_variables() const {
  std::vector<VariablePtr> out;
  if (!trainable_) return out;
  for (const Weight& w : weights_)
    if (w.variable->trainable()) add_once(out, w.variable);
  for (const LayerPtr& layer : sublayers())
    for (const VariablePtr& v : layer->trainable_variables()) add_once(out, v);
  return out;
}

std::vector<VariablePtr> Layer::non_trainable_variables() const {
  const std::vector<VariablePtr> trained = trainable_variables();
  std::vector<VariablePtr> out;
  for (const VariablePtr& v : variables())
    if (std::find(trained.begin(), trained.end(), v) == trained.end()) out.push_back(v);
  return out;
}

int64_t Layer::count_params() const {
  int64_t n = 0;
  for (const VariablePtr& v : variables()) n += v->value().count();
  return n;
}

std::vector<Value> Layer::regularization_losses() const {
  std::vector<Value> out;
  if (!trainable_) return out;
  for (const Weight& w : weights_)
    if (w.regularizer && w.variable->trainable()) out.push_back(w.regularizer(read(w.variable)));
  for (const LayerPtr& layer : sublayers())
    for (Value& v : layer->regularization_losses()) out.push_back(std::move(v));
  return out;
}

nlohmann::json Layer::config() const {
  nlohmann::json config = {{"name", name_}, {"trainable", trainable_}};
  if (dtype_policy_ != "float32") config["dtype"] = dtype_policy_;
  return config;
}

void Layer::adopt(const nlohmann::json& config) {
  name_ = config.value("name", std::string());
  name_given_ = !name_.empty();
  trainable_ = config.value("trainable", true);
  // An input's dtype is that of its values.
  if (config.contains("dtype") && class_name() != "InputLayer")
    set_dtype_policy(config["dtype"].get<std::string>());
}

void Layer::set_path(const std::string& path) {
  path_ = path;
  for (const Weight& w : weights_) w.variable->set_name(path + "/" + w.name);
  const std::vector<LayerPtr> inside = sublayers();
  for (const LayerPtr& layer : inside) {
    if (layer->name_.empty()) {
      const std::string base = snake_case(layer->class_name());
      std::string name = base;
      auto taken = [&](const LayerPtr& other) { return other->name_ == name; };
      for (int i = 1; std::any_of(inside.begin(), inside.end(), taken); ++i)
        name = base + "_" + std::to_string(i);
      layer->name_ = name;
    }
    layer->set_path(path + "/" + layer->name_);
  }
}

std::vector<std::string> Layer::weight_names() const {
  const std::string path = path_.empty() ? snake_case(class_name()) : path_;
  std::vector<std::string> out;
  for (const VariablePtr& v : variables()) {
    const bool below = v->name().starts_with(path + "/");
    out.push_back(below ? v->name().substr(path.size() + 1) : v->name());
  }
  return out;
}

VariablePtr Layer::add_weight(const std::string& name, const Sizes& sizes,
                              const Initializer& initializer, const Regularizer& regularizer,
                              bool trainable, DType dtype) {
  const std::string own = name_.empty() ? snake_case(class_name()) : name_;
  Tensor value = skip_initial_values ? Tensor::zeros(dtype, sizes) : initializer(sizes, dtype);
  auto variable = std::make_shared<Variable>(own + "/" + name, std::move(value), trainable);
  track(name, variable, regularizer);
  return variable;
}

void Layer::track(const std::string& name, VariablePtr variable, const Regularizer& regularizer) {
  weights_.push_back({name, std::move(variable), regularizer});
}

void Layer::reject(const std::string& message) const {
  if (name_.empty()) fail("[{}] {}", class_name(), message);
  fail("[{}] layer '{}': {}", class_name(), name_, message);
}

void Layer::expect_inputs(size_t got, size_t n) const {
  if (got != n) reject(fmt::format("takes {} input{}; got {}", n, n == 1 ? "" : "s", got));
}

SymbolicTensor LayerRef::operator()(const SymbolicTensor& x) const {
  return (*this)(std::vector<SymbolicTensor>{x});
}

SymbolicTensor LayerRef::operator()(const std::vector<SymbolicTensor>& xs) const {
  std::vector<SymbolicTensor> outputs = layer_->call_symbolic(xs);
  if (outputs.size() != 1)
    fail("[{}] has {} outputs: use call_symbolic", layer_->class_name(), outputs.size());
  return outputs[0];
}

}  // namespace andiron::nn
