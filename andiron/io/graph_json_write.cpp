#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "andiron/base/error.hpp"
#include "andiron/graph/host_function.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/io/dim_text.hpp"
#include "andiron/io/graph_json.hpp"

namespace andiron::io {

using nlohmann::json;

namespace {

// JSON knows neither NaN nor infinity.
json float_to_json(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  return v;
}

json shape_to_json(const Shape& shape) {
  json list = json::array();
  for (const Dim& d : shape) {
    if (d.known()) {
      list.push_back(d.size());
      continue;
    }
    if (!(parse_dim(d.str()) == d)) fail("[graph] the dimension '{}' cannot be saved", d.str());
    list.push_back(d.str());
  }
  return list;
}

class Writer {
 public:
  explicit Writer(std::vector<Tensor>& constants) : constants_(constants) {}

  json write(const Graph& graph) {
    std::vector<const Node*> nodes = graph.nodes();
    for (const Value& v : graph.inputs())
      if (std::find(nodes.begin(), nodes.end(), &v.node()) == nodes.end())
        nodes.push_back(&v.node());
    std::unordered_map<const Node*, size_t> index;
    auto value_to_json = [&](const Value& v) -> json {
      if (!v.defined()) return nullptr;
      return {index.at(&v.node()), v.index()};
    };
    json out = {{"nodes", json::array()},
                {"inputs", json::array()},
                {"outputs", json::array()},
                {"updates", json::array()}};
    for (const Node* node : nodes) {
      json& saved = out["nodes"].emplace_back(json::object());
      saved["op"] = node->op->name;
      if (!node->name.empty()) saved["name"] = node->name;
      for (const Value& v : node->inputs) saved["inputs"].push_back(value_to_json(v));
      for (const auto& [name, value] : node->attributes)
        saved["attributes"][name] = attribute_to_json(value);
      for (const TensorType& type : node->outputs) saved["outputs"].push_back(str(type));
      index[node] = index.size();
    }
    for (const Value& v : graph.inputs()) out["inputs"].push_back(index.at(&v.node()));
    for (const Value& v : graph.outputs()) out["outputs"].push_back(value_to_json(v));
    for (const Graph::Update& u : graph.updates())
      out["updates"].push_back(
          {{"variable", name_of_variable(u.variable)}, {"value", value_to_json(u.value)}});
    return out;
  }

 private:
  json attribute_to_json(const Attribute& attribute) {
    return std::visit(
        [&]<class T>(const T& v) -> json {
          if constexpr (std::is_same_v<T, std::monostate>) {
            return nullptr;
          } else if constexpr (std::is_same_v<T, double>) {
            return float_to_json(v);
          } else if constexpr (std::is_same_v<T, std::vector<double>>) {
            json list = json::array();
            for (double x : v) list.push_back(float_to_json(x));
            return list;
          } else if constexpr (std::is_same_v<T, DType>) {
            return std::string(name_of(v));
          } else if constexpr (std::is_same_v<T, Shape>) {
            return shape_to_json(v);
          } else if constexpr (std::is_same_v<T, Tensor>) {
            return v.defined() ? json(constant_index(v)) : json(nullptr);
          } else if constexpr (std::is_same_v<T, VariablePtr>) {
            return name_of_variable(v);
          } else if constexpr (std::is_same_v<T, std::shared_ptr<const Graph>>) {
            return write(*v);
          } else if constexpr (std::is_same_v<T, HostFunctionPtr>) {
            fail(
                "[save] '{}' is a function of the running program, which no file can hold: a model "
                "with it cannot be saved. Compose ops instead, or keep the weights (get_weights) and "
                "make the model anew",
                v->name);
          } else {
            return v;
          }
        },
        attribute);
  }

  size_t constant_index(const Tensor& tensor) {
    for (size_t i = 0; i < constants_.size(); ++i)
      if (same(constants_[i], tensor)) return i;
    constants_.push_back(tensor);
    return constants_.size() - 1;
  }

  const std::string& name_of_variable(const VariablePtr& v) {
    const auto [at, added] = variables_.try_emplace(v->name(), v);
    if (!added && at->second != v)
      fail("[graph] two variables have the name '{}': it cannot be saved", v->name());
    return v->name();
  }

  std::vector<Tensor>& constants_;
  std::map<std::string, VariablePtr> variables_;
};

}  // namespace

json graph_to_json(const Graph& graph, std::vector<Tensor>& constants) {
  json out = Writer(constants).write(graph);
  out["format"] = "andiron.graph";
  out["version"] = 1;
  return out;
}

}  // namespace andiron::io
