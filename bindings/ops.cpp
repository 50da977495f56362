#include "andiron/ops/ops.hpp"

#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/ops/catalog.hpp"
#include "bindings/assignments.hpp"
#include "bindings/build.hpp"
#include "bindings/operators.hpp"
#include "bindings/signals.hpp"
#include "bindings/symbolic.hpp"
#include "bindings/tensor.hpp"
#include "bindings/tracing.hpp"

namespace andiron::bindings {

// Ops whose builder function completes the attributes (-1 in a shape, the reversed axes).
std::vector<Value> build(const Op& op, const std::vector<Value>& x, const Attributes& attributes) {
  using Ints = std::vector<int64_t>;
  const auto ints = [&](const char* name) {
    const Attribute* found = attributes.find(name);
    return found == nullptr ? Ints{} : std::get<Ints>(*found);
  };
  if (op.name == "reshape") return {ops::reshape(x.at(0), attributes.get<Shape>("shape"))};
  if (op.name == "transpose") return {ops::transpose(x.at(0), ints("permutation"))};
  return make_node(op, x, attributes);
}

namespace {

bool has_builder(const Op& op) { return op.name == "reshape" || op.name == "transpose"; }

nb::object results(std::vector<Value> values) {
  if (values.size() == 1) return nb::cast(values[0]);
  return nb::tuple(nb::cast(values));
}

nb::object results(std::vector<Tensor> tensors) {
  if (tensors.size() == 1) return nb::cast(tensors[0]);
  return nb::tuple(nb::cast(tensors));
}

// The dtype that plain numbers among the arguments take: that of the first argument that has one.
const Value* example_of(const std::vector<Value>& values) {
  for (const Value& v : values)
    if (v.defined() && v.dtype() != DType::boolean) return &v;
  return nullptr;
}

nb::object trace(const Op& op, const std::vector<nb::object>& inputs,
                 const Attributes& attributes) {
  std::vector<Value> values(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    if (nb::isinstance<Value>(inputs[i])) values[i] = nb::cast<Value>(inputs[i]);
  const Value* found = op.traits.elementwise ? example_of(values) : nullptr;
  const Value like = found == nullptr ? Value() : *found;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!values[i].defined() && !inputs[i].is_none())
      values[i] = value_from(inputs[i], found == nullptr ? nullptr : &like);
  return results(build(op, values, attributes));
}

nb::object run(const Op& op, const std::vector<nb::object>& inputs, Attributes attributes) {
  const auto is_number = [](nb::handle x) {
    return PyFloat_Check(x.ptr()) || PyLong_Check(x.ptr());
  };
  std::vector<Tensor> tensors(inputs.size());
  std::optional<DType> like;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (is_number(inputs[i])) continue;
    tensors[i] = tensor_from(inputs[i]);
    if (!like && tensors[i].dtype() != DType::boolean) like = tensors[i].dtype();
  }
  const Value example = like && op.traits.elementwise ? input("x", *like, {}) : Value();
  for (size_t i = 0; i < inputs.size(); ++i)
    if (is_number(inputs[i]))
      tensors[i] = value_from(inputs[i], example.defined() ? &example : nullptr)
                       .node()
                       .attr<Tensor>("tensor");
  const Working working;
  std::vector<Tensor> out;
  const Op* called = &op;
  if (has_builder(op)) {
    std::vector<Value> x;
    for (const Tensor& t : tensors) x.push_back(input("x", t.dtype(), Shape(t.sizes())));
    const Value value = build(op, x, attributes)[0];
    called = value.node().op;
    attributes = value.node().attributes;
    if (called == &kInputOp) out = tensors;
  }
  if (out.empty()) out = eager::run(*called, tensors, attributes);
  nb::gil_scoped_acquire locked;
  return results(std::move(out));
}

nb::list input_specs(const Op& op) {
  nb::list out;
  for (const InputSpec& spec : op.inputs) {
    nb::dict d;
    d["name"] = spec.name;
    d["doc"] = spec.doc;
    d["optional"] = spec.optional;
    d["variadic"] = spec.variadic;
    out.append(d);
  }
  return out;
}

nb::list attribute_specs(const Op& op) {
  nb::list out;
  for (const AttributeSpec& spec : op.attributes) {
    const bool required = std::holds_alternative<std::monostate>(spec.default_value);
    const Attribute& example = required ? spec.type_example : spec.default_value;
    static constexpr const char* kTypes[] = {
        "None",          "bool",      "int",           "float",
        "str",           "DTypeLike", "Sequence[int]", "Sequence[float]",
        "Sequence[int]", "Tensor",    "Variable",      "Graph",
        "Callable"};
    nb::dict d;
    d["name"] = spec.name;
    d["doc"] = spec.doc;
    d["required"] = required;
    d["default"] = to_python(spec.default_value);
    d["type"] = kTypes[example.index()];
    out.append(d);
  }
  return out;
}

nb::list catalog() {
  nb::list out;
  for (const Op* op : ops::catalog()) {
    if (op->traits.trusting) continue;  // nothing for users
    nb::dict d;
    d["name"] = op->name;
    d["summary"] = op->summary;
    d["formula"] = op->formula;
    d["source"] = op->reference_source;
    d["inputs"] = input_specs(*op);
    d["attributes"] = attribute_specs(*op);
    d["outputs"] = op->outputs;
    d["differentiable"] = op->gradient != nullptr;
    d["why_not_differentiable"] = op->why_not_differentiable;
    out.append(d);
  }
  return out;
}

}  // namespace

nb::object apply(const Op& op, const std::vector<nb::object>& inputs, Attributes attributes) {
  if (op.traits.trusting) fail("[{}] is for optimizers and passes alone", op.name);
  bool traced = false;
  for (const nb::object& x : inputs) {
    if (is_symbolic(x)) return apply_symbolic(op, inputs, attributes);
    traced |= nb::isinstance<Value>(x) || (TracingScope::active() && nb::isinstance<Variable>(x));
  }
  return traced ? trace(op, inputs, attributes) : run(op, inputs, std::move(attributes));
}

nb::object apply(const char* op, nb::handle a) { return apply(ops::find(op), {nb::borrow(a)}); }

nb::object apply(const char* op, nb::handle a, nb::handle b) {
  return apply(ops::find(op), {nb::borrow(a), nb::borrow(b)});
}

void bind_ops(nb::module_& m) {
  m.def(
      "trace",
      [](nb::object function, nb::args arguments) {
        const TracingScope scope;
        return function(*arguments);
      },
      "Calls a function that composes a graph: ops on variables read them when the graph runs.");
  m.def(
      "trace_assignments",
      [](nb::object function, nb::args arguments) {
        const TracingScope scope;
        const Assignments assignments;
        nb::object result = function(*arguments);
        nb::list list;
        for (const auto& [variable, value] : assignments.list())
          list.append(nb::make_tuple(variable, value));
        return nb::make_tuple(result, list);
      },
      "The same for one that assigns to variables: (its result, [(variable, new value), ...]).");
  m.def("tracing", &TracingScope::active, "Whether such a function runs on this thread.");
  m.def("catalog", &catalog, "The schemas of the ops that users may call.");
  m.def(
      "apply",
      [](const std::string& name, nb::handle inputs, nb::handle attributes) {
        const Op& op = ops::find(name);
        std::vector<nb::object> in;
        for (nb::handle x : inputs) in.push_back(nb::borrow(x));
        while (!in.empty() && in.back().is_none()) in.pop_back();
        Attributes attrs;
        size_t i = 0;
        for (nb::handle value : attributes) {
          const AttributeSpec& spec = op.attributes.at(i++);
          attrs.set(spec.name, attribute_from(value, spec, op.name));
        }
        return apply(op, in, std::move(attrs));
      },
      nb::arg("op"), nb::arg("inputs"), nb::arg("attributes") = nb::make_tuple(),
      "Calls an op by name; attributes in the order of its schema.");
}

}  // namespace andiron::bindings
