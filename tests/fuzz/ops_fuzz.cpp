#include <algorithm>
#include <cmath>

#include "andiron/autodiff/gradient.hpp"
#include "andiron/base/error.hpp"
#include "andiron/eager/eager.hpp"
#include "andiron/ops/case_testing.hpp"
#include "andiron/ops/catalog.hpp"
#include "andiron/ops/ops.hpp"
#include "andiron/ops/reference.hpp"
#include "tests/fuzz/choices.hpp"

namespace {

using namespace andiron;

constexpr int64_t kMost = 2048;  // elements

Dim any_dim(Choices& choices) {
  const uint8_t kind = choices.byte();
  if (kind < 8) return Dim::symbol("batch");
  if (kind < 16) return Dim::symbol("batch") * Dim(2);
  return Dim(choices.integer());
}

// Another shape, or the same with one dimension changed.
Shape any_shape(Choices& choices, Shape shape) {
  switch (choices.below(4)) {
    case 0:
      return shape;
    case 1:
      if (!shape.empty()) shape[choices.below(shape.size())] = any_dim(choices);
      return shape;
    case 2:
      shape.resize(choices.below(6));
      for (Dim& d : shape) d = Dim(static_cast<int64_t>(choices.below(5)));
      return shape;
    default:
      shape.resize(choices.below(9));
      for (Dim& d : shape) d = any_dim(choices);
      return shape;
  }
}

// A value of the attribute's kind, or now and then of another.
Attribute any_attribute(Choices& choices, const Attribute& example) {
  if (choices.one_in(16)) return choices.integer();
  return std::visit(
      [&]<class T>(const T& given) -> Attribute {
        if constexpr (std::is_same_v<T, bool>) return choices.flag();
        if constexpr (std::is_same_v<T, int64_t>) return choices.integer();
        if constexpr (std::is_same_v<T, double>) return choices.real();
        if constexpr (std::is_same_v<T, DType>)
          return kAllDTypes[choices.below(std::size(kAllDTypes))];
        if constexpr (std::is_same_v<T, Shape>) return any_shape(choices, given);
        if constexpr (std::is_same_v<T, std::string>) {
          static const std::vector<std::string> words = {
              "same", "valid", "explicit", "add", "multiply", "maximum", "minimum", "mean",
              "sum",  "none",  "relu",     "",    "sqrtn",    "linear",  "nearest", "cubic"};
          return choices.one_in(8) ? choices.text(8) : choices.of(words);
        }
        if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
          std::vector<int64_t> values(choices.flag() ? given.size() : choices.below(6));
          for (int64_t& v : values) v = choices.integer();
          return values;
        }
        if constexpr (std::is_same_v<T, std::vector<double>>) {
          std::vector<double> values(choices.flag() ? given.size() : choices.below(6));
          for (double& v : values) v = choices.real();
          return values;
        }
        return given;
      },
      example);
}

Tensor any_values(Choices& choices, DType dtype, const Sizes& sizes) {
  Tensor t(dtype, sizes);
  const uint8_t kind = choices.byte();
  for (int64_t i = 0; i < t.count(); ++i) {
    double value = 0;
    if (kind < 128) {
      value = static_cast<double>((i * 7 + kind) % 5);
    } else if (is_floating(dtype)) {
      value = choices.real();
    } else {
      value = static_cast<double>(static_cast<int8_t>(choices.byte()));
    }
    visit_dtype(dtype, [&]<class T>() {
      if constexpr (std::is_same_v<T, uint8_t>) value = std::abs(value);
      t.data<T>()[i] = static_cast<T>(value);
    });
  }
  return t;
}

// A variable, a graph or a function, which no file can leave out.
bool needs_object(const Attribute& example) {
  return std::holds_alternative<VariablePtr>(example) || std::holds_alternative<Tensor>(example) ||
         std::holds_alternative<std::shared_ptr<const Graph>>(example) ||
         std::holds_alternative<HostFunctionPtr>(example);
}

bool small(const std::vector<TensorType>& types) {
  return std::all_of(types.begin(), types.end(), [](const TensorType& t) {
    return t.shape.known() && t.shape.count().size() <= kMost;
  });
}

void run(Choices& choices) {
  const auto catalog = ops::catalog();
  const Op& op = *catalog[choices.below(catalog.size())];
  Attributes attributes;
  std::vector<TensorType> types;
  for (const AttributeSpec& spec : op.attributes)
    if (needs_object(spec.type_example)) return;
  if (!op.cases.empty() && !choices.one_in(8)) {
    const Case& c = op.cases[choices.below(op.cases.size())];
    attributes = c.attributes;
    for (const std::string& text : c.inputs) types.push_back(ops::parse_case_input(text).type);
  } else {
    types.resize(choices.below(6));
  }
  for (TensorType& type : types) {
    if (choices.one_in(4)) type.dtype = kAllDTypes[choices.below(std::size(kAllDTypes))];
    if (choices.one_in(2)) type.shape = any_shape(choices, type.shape);
  }
  if (choices.one_in(16)) types.resize(choices.below(types.size() + 2));
  for (const AttributeSpec& spec : op.attributes) {
    if (!choices.one_in(3)) continue;
    const Attribute* now = attributes.find(spec.name);
    const bool required = std::holds_alternative<std::monostate>(spec.default_value);
    const Attribute& example = now != nullptr ? *now
                               : required     ? spec.type_example
                                              : spec.default_value;
    attributes.set(spec.name, any_attribute(choices, example));
  }

  std::vector<Value> inputs;
  std::vector<Tensor> tensors;
  for (const TensorType& type : types) {
    inputs.push_back(input("x", type.dtype, type.shape));
    (void)str(type);
  }
  const std::vector<Value> outputs = make_node(op, inputs, attributes);
  const Node& node = outputs[0].node();
  for (const TensorType& t : node.outputs) {
    (void)str(t);
    if (t.shape.known())
      for (const Dim& d : t.shape)
        if (d.size() < 0) __builtin_trap();  // a shape rule let it pass
  }
  if (op.flops != nullptr && small(types) && small(node.outputs) && !(op.flops(node) >= 0))
    __builtin_trap();
  if (op.gradient != nullptr && is_floating(outputs[0].dtype()) && !inputs.empty())
    (void)grad(outputs[0], inputs);
  if (!small(types) || !small(node.outputs) || op.reference == nullptr || op.traits.trusting)
    return;
  for (const auto& [name, value] : node.attributes)
    if (const Shape* shape = std::get_if<Shape>(&value); shape != nullptr && !shape->known())
      return;  // it is bound before anything runs
  for (const TensorType& type : types)
    tensors.push_back(any_values(choices, type.dtype, type.shape.sizes()));
  ops::run_reference(node, tensors);
  // The kernel that a plan would take.
  if (choices.flag() && op.name != "row_sparse") eager::run(op, tensors, attributes);
}

}  // namespace

// An op of the catalog with inputs of any type and attributes of any value: a result or an Error,
// from the rule, the gradient, the reference kernel and the fast one.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices(data, size);
  try {
    run(choices);
  } catch (const andiron::Error&) {
  }
  return 0;
}
