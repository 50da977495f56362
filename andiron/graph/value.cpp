#include "andiron/graph/value.hpp"

#include <algorithm>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron {

std::string str(const TensorType& type) {
  return std::string(name_of(type.dtype)) + type.shape.str();
}

const TensorType& Value::type() const { return node_->outputs[static_cast<size_t>(index_)]; }

bool Node::is(std::string_view op_name) const { return op->name == op_name; }

// A long chain of nodes would otherwise be released by a recursion as deep as the graph.
Node::~Node() {
  static thread_local std::vector<Value>* pending = nullptr;
  if (pending != nullptr) {
    for (Value& v : inputs) pending->push_back(std::move(v));
    return;
  }
  std::vector<Value> stack = std::move(inputs);
  pending = &stack;
  while (!stack.empty()) {
    Value v = std::move(stack.back());
    stack.pop_back();
  }
  pending = nullptr;
}

namespace {

thread_local std::string current_name;

bool same_kind(const Attribute& a, const Attribute& b) { return a.index() == b.index(); }

std::string kind_name(const Attribute& a) {
  static const char* const names[] = {"nothing",  "bool",  "int",     "float", "str",
                                      "dtype",    "ints",  "floats",  "shape", "tensor",
                                      "variable", "graph", "function"};
  return names[a.index()];
}

// What a literal in Python or JSON may stand for: 1 for 1.0, [1,2] for a shape, True for 1.
Attribute convert(const Attribute& given, const Attribute& wanted) {
  if (const auto* i = std::get_if<int64_t>(&given)) {
    if (std::holds_alternative<double>(wanted)) return static_cast<double>(*i);
    if (std::holds_alternative<std::vector<int64_t>>(wanted)) return std::vector<int64_t>{*i};
  }
  if (const auto* v = std::get_if<std::vector<int64_t>>(&given)) {
    if (std::holds_alternative<Shape>(wanted)) return Shape(*v);
    if (std::holds_alternative<std::vector<double>>(wanted))
      return std::vector<double>(v->begin(), v->end());
  }
  if (const auto* v = std::get_if<std::vector<double>>(&given))
    if (v->empty() && std::holds_alternative<std::vector<int64_t>>(wanted))
      return std::vector<int64_t>{};
  if (const auto* s = std::get_if<std::string>(&given))
    if (std::holds_alternative<DType>(wanted)) return parse_dtype(*s);
  return given;
}

Attributes complete(const Op& op, const Attributes& given) {
  for (const auto& [name, value] : given) {
    bool known = false;
    for (const AttributeSpec& spec : op.attributes) known |= spec.name == name;
    if (!known) fail("[{}] has no attribute '{}'", op.name, name);
  }
  Attributes out;
  for (const AttributeSpec& spec : op.attributes) {
    const bool required = std::holds_alternative<std::monostate>(spec.default_value);
    const Attribute& example = required ? spec.type_example : spec.default_value;
    const Attribute* found = given.find(spec.name);
    if (found == nullptr) {
      if (required) fail("[{}] needs the attribute '{}'", op.name, spec.name);
      out.set(spec.name, spec.default_value);
      continue;
    }
    Attribute value = convert(*found, example);
    if (!same_kind(value, example))
      fail("[{}] attribute '{}' must be {}; got {} {}", op.name, spec.name, kind_name(example),
           kind_name(value), str(value));
    out.set(spec.name, std::move(value));
  }
  return out;
}

void check_inputs(const Op& op, const std::vector<Value>& inputs) {
  size_t required = 0;
  const bool variadic = !op.inputs.empty() && op.inputs.back().variadic;
  for (const InputSpec& spec : op.inputs) required += (!spec.optional && !spec.variadic) ? 1 : 0;
  if (inputs.size() < required || (!variadic && inputs.size() > op.inputs.size()))
    fail("[{}] takes {}{} inputs; got {}", op.name, variadic ? "at least " : "", required,
         inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const InputSpec& spec = op.inputs[std::min(i, op.inputs.size() - 1)];
    if (!inputs[i].defined() && !spec.optional)
      fail("[{}] input '{}' is missing", op.name, spec.name);
  }
}

// Rules and kernels multiply sizes freely: products of those that are known fit, whichever are 0.
void check_sizes(const Op& op, const TensorType& type) {
  auto bytes = static_cast<int64_t>(size_of(type.dtype));
  for (const Dim& d : type.shape) {
    if (!d.known()) continue;
    if (d.size() < 0) fail("[{}] sizes must not be negative; got {}", op.name, type.shape.str());
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(d.size(), 1), &bytes))
      fail("[{}] the result {} has too many elements", op.name, type.shape.str());
  }
}

}  // namespace

int inplace_input(const Node& node, int output) {
  const Traits& traits = node.op->traits;
  if (traits.inplace_of != nullptr) return traits.inplace_of(node, output);
  const auto i = static_cast<size_t>(output);
  return i < traits.inplace.size() ? traits.inplace[i] : -1;
}

std::vector<Value> make_node(const Op& op, std::vector<Value> inputs, Attributes attributes) {
  check_inputs(op, inputs);
  auto node = std::make_shared<Node>();
  node->op = &op;
  node->attributes = complete(op, attributes);
  node->inputs = std::move(inputs);
  node->name = current_name;
  node->outputs = op.infer(InferContext{node->inputs, node->attributes, op.name});
  for (const TensorType& type : node->outputs) check_sizes(op, type);
  std::vector<Value> values;
  for (size_t i = 0; i < node->outputs.size(); ++i) values.emplace_back(node, static_cast<int>(i));
  return values;
}

Value make_value(const Op& op, std::vector<Value> inputs, Attributes attributes) {
  return make_node(op, std::move(inputs), std::move(attributes))[0];
}

NameScope::NameScope(std::string name) : previous_(std::move(current_name)) {
  current_name = std::move(name);
}
NameScope::~NameScope() { current_name = std::move(previous_); }
const std::string& NameScope::current() { return current_name; }

const Value& GradContext::in(size_t i) const { return node.inputs[i]; }

const Op kInputOp = {
    .name = "input",
    .summary = "A placeholder that a plan receives at run time.",
    .attributes = {{"name", {}, "how errors name it", std::string()},
                   {"dtype", {}, "", DType::f32},
                   {"shape", {}, "sizes, may be symbolic", Shape()}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      return {{c.attr<DType>("dtype"), c.attr<Shape>("shape")}};
    },
    .why_not_differentiable = "a leaf",
    .traits = {.stateful = true},
};

const Op kConstantOp = {
    .name = "constant",
    .summary = "A tensor known when the graph is built.",
    .attributes = {{"tensor", {}, "", Tensor()}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const auto& t = c.attr<Tensor>("tensor");
      return {{t.dtype(), Shape(t.sizes())}};
    },
    .why_not_differentiable = "a leaf",
};

const Op kVariableOp = {
    .name = "variable",
    .summary = "The value of a variable at the start of the step.",
    .attributes = {{"variable", {}, "", VariablePtr()}},
    .infer = [](const InferContext& c) -> std::vector<TensorType> {
      const Tensor& t = c.attr<VariablePtr>("variable")->value();
      return {{t.dtype(), Shape(t.sizes())}};
    },
    .why_not_differentiable = "a leaf",
};

Value input(std::string name, DType dtype, Shape shape) {
  return make_value(kInputOp, {},
                    {{"name", std::move(name)}, {"dtype", dtype}, {"shape", std::move(shape)}});
}

Value constant(Tensor tensor) {
  ANDIRON_ASSERT(tensor.defined());
  return make_value(kConstantOp, {}, {{"tensor", tensor.contiguous()}});
}

Value constant(double value, DType dtype) { return constant(Tensor::scalar(value, dtype)); }

Value read(const VariablePtr& variable) {
  return make_value(kVariableOp, {}, {{"variable", variable}});
}

}  // namespace andiron
