#include <fmt/format.h>

#include "andiron/graph/graph.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron {

namespace {

// Numbers values in the order in which they are computed: %0, %1, ...
class Names {
 public:
  explicit Names(const Graph& graph) {
    for (const Node* node : graph.nodes()) first_[node] = static_cast<int>(first_.size());
  }
  std::string operator()(const Value& v) const {
    if (!v.defined()) return "_";
    const auto it = first_.find(&v.node());
    const std::string base = fmt::format("%{}", it == first_.end() ? -1 : it->second);
    return v.node().outputs.size() > 1 ? fmt::format("{}.{}", base, v.index()) : base;
  }
  int of(const Node* node) const { return first_.at(node); }

 private:
  std::unordered_map<const Node*, int> first_;
};

// Attributes that differ from their defaults.
std::string attributes_text(const Node& node) {
  std::string text;
  for (const AttributeSpec& spec : node.op->attributes) {
    const Attribute* value = node.attributes.find(spec.name);
    if (value == nullptr || same(*value, spec.default_value)) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", spec.name, str(*value));
  }
  return text.empty() ? text : " {" + text + "}";
}

std::string types_text(const Node& node) {
  std::string text;
  for (const TensorType& t : node.outputs) text += (text.empty() ? "" : ", ") + str(t);
  return text;
}

std::string indent(const std::string& text) {
  std::string out = "    ";
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\n' && i + 1 < text.size()) out += "    ";
  }
  return out;
}

}  // namespace

std::string Graph::print() const {
  const Names name(*this);
  std::string text;
  for (const Node* node : nodes()) {
    std::string arguments;
    for (const Value& v : node->inputs) arguments += (arguments.empty() ? "" : ", ") + name(v);
    text += fmt::format("%{} = {}({}){} : {}{}\n", name.of(node), node->op->name, arguments,
                        attributes_text(*node), types_text(*node),
                        node->name.empty() ? "" : "  # " + node->name);
    for (const auto& [key, value] : node->attributes) {
      const auto* body = std::get_if<std::shared_ptr<const Graph>>(&value);
      if (body != nullptr && *body != nullptr) text += indent((*body)->print());
    }
  }
  std::string results;
  for (const Value& v : outputs_) results += (results.empty() ? "" : ", ") + name(v);
  text += "return " + results + "\n";
  for (const Update& u : updates_)
    text += fmt::format("update {} = {}\n", u.variable->name(), name(u.value));
  return text;
}

std::string Graph::dot() const {
  const Names name(*this);
  std::string text = "digraph andiron {\n  node [shape=box, fontname=monospace];\n";
  for (const Node* node : nodes()) {
    text += fmt::format("  n{} [label=\"{}{}\\n{}\"];\n", name.of(node), node->op->name,
                        node->name.empty() ? "" : " (" + node->name + ")", types_text(*node));
    for (const Value& v : node->inputs)
      if (v.defined()) text += fmt::format("  n{} -> n{};\n", name.of(&v.node()), name.of(node));
  }
  auto sink = [&](const std::string& id, const std::string& label, const Value& v) {
    text += fmt::format("  {} [label=\"{}\", shape=ellipse];\n  n{} -> {};\n", id, label,
                        name.of(&v.node()), id);
  };
  for (size_t i = 0; i < outputs_.size(); ++i)
    sink(fmt::format("out{}", i), fmt::format("output {}", i), outputs_[i]);
  for (size_t i = 0; i < updates_.size(); ++i)
    sink(fmt::format("update{}", i), updates_[i].variable->name(), updates_[i].value);
  return text + "}\n";
}

}  // namespace andiron
