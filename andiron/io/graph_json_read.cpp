#include <limits>
#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/io/dim_text.hpp"
#include "andiron/io/graph_json.hpp"
#include "andiron/ops/catalog.hpp"

namespace andiron::io {

using nlohmann::json;

namespace {

constexpr int kMaxDepth = 32;  // graphs within attributes of graphs

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 60) text.replace(57, std::string::npos, "...");
  return text;
}

const json& member(const json& object, const char* key) {
  if (!object.is_object()) fail("{} is not an object", shown(object));
  const auto at = object.find(key);
  if (at == object.end()) fail("'{}' is missing", key);
  return *at;
}

const json& list_of(const json& object, const char* key) {
  static const json kEmpty = json::array();
  if (!object.is_object()) fail("{} is not an object", shown(object));
  const auto at = object.find(key);
  if (at == object.end()) return kEmpty;
  if (!at->is_array()) fail("'{}' must be a list; got {}", key, shown(*at));
  return *at;
}

std::string text_of(const json& value, const char* what) {
  if (!value.is_string()) fail("{} must be text; got {}", what, shown(value));
  return value.get<std::string>();
}

int64_t integer_of(const json& value) {
  if (!value.is_number_integer()) fail("{} is not an integer", shown(value));
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX)
    fail("{} is too large", shown(value));
  return value.get<int64_t>();
}

double float_of(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  fail("{} is not a number", shown(value));
}

Shape shape_of(const json& value) {
  if (!value.is_array() || value.size() > 64)
    fail("{} is not a list of at most 64 dimensions", shown(value));
  Shape shape;
  int64_t count = 1;
  for (const json& d : value) {
    shape.push_back(d.is_string() ? parse_dim(d.get<std::string>()) : Dim(integer_of(d)));
    if (!shape.back().known()) continue;
    const int64_t size = shape.back().size();
    if (size < -1 || size > kMaxDim) fail("{} is not a size", size);  // -1: "the rest"
    if (__builtin_mul_overflow(count, std::max<int64_t>(size, 1), &count) || count > (1LL << 53))
      fail("{} has too many elements", shown(value));
  }
  return shape;
}

template <class T, class F>
std::vector<T> vector_of(const json& value, F element) {
  if (!value.is_array()) fail("{} is not a list", shown(value));
  std::vector<T> out;
  for (const json& x : value) out.push_back(element(x));
  return out;
}

class Reader {
 public:
  Reader(std::span<const Tensor> constants, const FindVariable& find_variable)
      : constants_(constants), find_variable_(find_variable) {}

  Graph read(const json& saved, int depth) const {
    if (depth > kMaxDepth) fail("graphs within graphs are deeper than {}", kMaxDepth);
    std::vector<std::vector<Value>> done;  // the outputs of each node
    const json& nodes = list_of(saved, "nodes");
    for (const json& node : nodes) {
      at_place("nodes", done.size(), node, [&] { done.push_back(read_node(node, done, depth)); });
    }
    std::vector<Value> inputs, outputs;
    std::vector<Graph::Update> updates;
    for (const json& i : list_of(saved, "inputs"))
      at_place("inputs", inputs.size(), i, [&] { inputs.push_back(value_of({i, 0}, done)); });
    for (const json& v : list_of(saved, "outputs"))
      at_place("outputs", outputs.size(), v, [&] { outputs.push_back(value_of(v, done)); });
    for (const json& u : list_of(saved, "updates"))
      at_place("updates", updates.size(), u, [&] {
        updates.push_back({variable_of(member(u, "variable")), value_of(member(u, "value"), done)});
      });
    return Graph(std::move(inputs), std::move(outputs), std::move(updates));
  }

 private:
  // Puts the place before every error, also that of an op's own rule.
  template <class F>
  static void at_place(const char* list, size_t i, const json& value, F f) {
    try {
      f();
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& e) {
      const bool named = value.is_object() && value.contains("op") && value["op"].is_string();
      fail("[graph] {}[{}]{}: {}", list, i, named ? " (" + shown(value["op"]) + ")" : "", e.what());
    }
  }

  std::vector<Value> read_node(const json& node, const std::vector<std::vector<Value>>& done,
                               int depth) const {
    const Op& op = ops::find(text_of(member(node, "op"), "'op'"));
    if (op.traits.trusting) fail("{} stands in no file: optimizers and passes make it", op.name);
    std::vector<Value> inputs;
    for (const json& v : list_of(node, "inputs"))
      inputs.push_back(v.is_null() ? Value() : value_of(v, done));
    Attributes attributes;
    if (const auto given = node.find("attributes"); given != node.end()) {
      if (!given->is_object()) fail("'attributes' must be an object; got {}", shown(*given));
      for (const auto& [name, value] : given->items())
        attributes.set(name, attribute_of(op, name, value, depth));
    }
    NameScope scope(node.contains("name") ? text_of(node["name"], "'name'") : "");
    std::vector<Value> values = make_node(op, std::move(inputs), std::move(attributes));
    const json& types = list_of(node, "outputs");
    if (!types.empty() && types.size() != values.size())
      fail("it has {} outputs; {} are recorded", values.size(), types.size());
    for (size_t i = 0; i < types.size(); ++i)
      if (types[i] != str(values[i].type()))
        fail("output {} is {}; recorded is {}", i, str(values[i].type()), shown(types[i]));
    return values;
  }

  Attribute attribute_of(const Op& op, const std::string& name, const json& value,
                         int depth) const {
    const AttributeSpec* spec = nullptr;
    for (const AttributeSpec& s : op.attributes)
      if (s.name == name) spec = &s;
    if (spec == nullptr) fail("[{}] has no attribute '{}'", op.name, name);
    const bool required = std::holds_alternative<std::monostate>(spec->default_value);
    try {
      return std::visit([&]<class T>(const T&) -> Attribute { return read_as<T>(value, depth); },
                        required ? spec->type_example : spec->default_value);
    } catch (const Error& e) {
      fail("attribute '{}': {}", name, e.what());
    }
  }

  template <class T>
  Attribute read_as(const json& value, int depth) const {
    if constexpr (std::is_same_v<T, bool>) {
      if (!value.is_boolean()) fail("{} is not true or false", shown(value));
      return value.get<bool>();
    } else if constexpr (std::is_same_v<T, int64_t>) {
      return integer_of(value);
    } else if constexpr (std::is_same_v<T, double>) {
      return float_of(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return text_of(value, "it");
    } else if constexpr (std::is_same_v<T, DType>) {
      return parse_dtype(text_of(value, "a dtype"));
    } else if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
      return vector_of<int64_t>(value, integer_of);
    } else if constexpr (std::is_same_v<T, std::vector<double>>) {
      return vector_of<double>(value, float_of);
    } else if constexpr (std::is_same_v<T, Shape>) {
      return shape_of(value);
    } else if constexpr (std::is_same_v<T, Tensor>) {
      const int64_t i = integer_of(value);
      if (i < 0 || i >= static_cast<int64_t>(constants_.size()))
        fail("constant {} of {}", i, constants_.size());
      return constants_[static_cast<size_t>(i)];
    } else if constexpr (std::is_same_v<T, VariablePtr>) {
      return variable_of(value);
    } else if constexpr (std::is_same_v<T, std::shared_ptr<const Graph>>) {
      return std::make_shared<const Graph>(read(value, depth + 1));
    } else {
      fail("an attribute without a type cannot be read");
    }
  }

  VariablePtr variable_of(const json& name) const {
    VariablePtr v = find_variable_ ? find_variable_(text_of(name, "a variable's name")) : nullptr;
    if (v == nullptr) fail("there is no variable named {}", shown(name));
    return v;
  }

  static Value value_of(const json& v, const std::vector<std::vector<Value>>& done) {
    if (!v.is_array() || v.size() != 2) fail("{} is not [node, output]", shown(v));
    const int64_t node = integer_of(v[0]), output = integer_of(v[1]);
    if (node < 0 || node >= static_cast<int64_t>(done.size()))
      fail("refers to node {}, but only {} nodes come before it (a cycle?)", node, done.size());
    const std::vector<Value>& outputs = done[static_cast<size_t>(node)];
    if (output < 0 || output >= static_cast<int64_t>(outputs.size()))
      fail("refers to output {} of node {}, which has {}", output, node, outputs.size());
    return outputs[static_cast<size_t>(output)];
  }

  std::span<const Tensor> constants_;
  const FindVariable& find_variable_;
};

}  // namespace

Graph graph_from_json(const json& saved, std::span<const Tensor> constants,
                      const FindVariable& find_variable) {
  if (!saved.is_object() || !saved.contains("format") || saved["format"] != "andiron.graph")
    fail("[graph] this JSON is not a graph of Andiron: format is not \"andiron.graph\"");
  if (!saved.contains("version") || saved["version"] != 1)
    fail("[graph] version {} of the format is not known; this Andiron reads version 1",
         saved.contains("version") ? shown(saved["version"]) : "none");
  try {
    return Reader(constants, find_variable).read(saved, 0);
  } catch (const json::exception& e) {
    fail("[graph] {}", e.what());
  } catch (const Error& e) {
    if (std::string_view(e.what()).starts_with("[graph]")) throw;
    fail("[graph] {}", e.what());
  }
}

}  // namespace andiron::io
