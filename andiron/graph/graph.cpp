#include "andiron/graph/graph.hpp"

#include <algorithm>
#include <unordered_set>

#include "andiron/base/error.hpp"
#include "andiron/graph/host_function.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron {

std::vector<const Node*> topological_order(const std::vector<Value>& roots) {
  std::vector<const Node*> order;
  std::unordered_set<const Node*> seen;
  std::vector<std::pair<const Node*, size_t>> stack;
  for (const Value& root : roots) {
    if (!root.defined() || !seen.insert(&root.node()).second) continue;
    stack.emplace_back(&root.node(), 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == node->inputs.size()) {
        order.push_back(node);
        stack.pop_back();
        continue;
      }
      const Value& v = node->inputs[next++];
      if (v.defined() && seen.insert(&v.node()).second) stack.emplace_back(&v.node(), 0);
    }
  }
  return order;
}

namespace {

std::vector<Value> roots_of(const Graph& graph) {
  std::vector<Value> roots = graph.outputs();
  for (const Graph::Update& u : graph.updates()) roots.push_back(u.value);
  return roots;
}

}  // namespace

Graph::Graph(std::vector<Value> inputs, std::vector<Value> outputs, std::vector<Update> updates)
    : inputs_(std::move(inputs)), outputs_(std::move(outputs)), updates_(std::move(updates)) {
  for (const Value& v : inputs_)
    if (!v.defined() || !v.node().is("input")) fail("[graph] an input is not a placeholder");
  for (const Value& v : outputs_)
    if (!v.defined()) fail("[graph] an output is undefined");
  for (const Update& u : updates_) {
    if (u.value.type() != TensorType{u.variable->value().dtype(), Shape(u.variable->value().sizes())})
      fail("[graph] variable '{}' is {}{} but its update is {}", u.variable->name(),
           name_of(u.variable->value().dtype()), str(u.variable->value().sizes()),
           str(u.value.type()));
  }
  for (const Node* node : nodes()) {
    if (!node->is("input")) continue;
    const bool listed = std::any_of(inputs_.begin(), inputs_.end(),
                                    [&](const Value& v) { return &v.node() == node; });
    if (!listed)
      fail("[graph] depends on the placeholder '{}', which is not among its inputs",
           node->attr<std::string>("name"));
  }
}

std::vector<const Node*> Graph::nodes() const { return topological_order(roots_of(*this)); }

std::vector<VariablePtr> Graph::variables() const {
  std::vector<VariablePtr> out;
  auto add = [&](const VariablePtr& v) {
    if (std::find(out.begin(), out.end(), v) == out.end()) out.push_back(v);
  };
  for (const Node* node : nodes())
    if (node->is("variable")) add(node->attr<VariablePtr>("variable"));
  for (const Update& u : updates_) add(u.variable);
  return out;
}

std::vector<Value> with_inputs(const Node& node, const std::vector<Value>& inputs) {
  NameScope scope(node.name);
  return make_node(*node.op, inputs, node.attributes);
}

void Rewriter::visit(const std::vector<Value>& roots) {
  keep_.insert(keep_.end(), roots.begin(), roots.end());
  for (const Node* node : topological_order(roots)) {
    // All outputs of a node are rewritten together.
    bool known = true;
    std::vector<Value> outputs;
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      outputs.emplace_back(node->shared_from_this(), static_cast<int>(i));
      known &= done_.count(outputs.back()) > 0;
    }
    if (known) continue;
    std::vector<Value> inputs;
    bool changed = false;
    for (const Value& v : node->inputs) {
      inputs.push_back(v.defined() ? done_.at(v) : Value());
      changed |= !(inputs.back() == v);
    }
    std::vector<Value> replaced = rule_ ? rule_(*node, inputs) : std::vector<Value>();
    if (replaced.empty()) {
      replaced = changed ? with_inputs(*node, inputs) : outputs;
    }
    ANDIRON_ASSERT(replaced.size() == outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!done_.count(outputs[i])) done_[outputs[i]] = replaced[i];
    }
  }
}

Value Rewriter::operator()(const Value& value) {
  visit({value});
  return done_.at(value);
}

Graph Rewriter::operator()(const Graph& graph) {
  std::vector<Value> roots = roots_of(graph);
  roots.insert(roots.end(), graph.inputs().begin(), graph.inputs().end());
  visit(roots);
  std::vector<Value> inputs, outputs;
  std::vector<Graph::Update> updates;
  for (const Value& v : graph.inputs()) inputs.push_back(done_.at(v));
  for (const Value& v : graph.outputs()) outputs.push_back(done_.at(v));
  for (const Graph::Update& u : graph.updates())
    updates.push_back({u.variable, done_.at(u.value)});
  return Graph(std::move(inputs), std::move(outputs), std::move(updates));
}

Graph bind_sizes(const Graph& graph, const std::map<std::string, int64_t>& sizes) {
  Rewriter rewrite([&](const Node& node, const std::vector<Value>& inputs) -> std::vector<Value> {
    Attributes attributes = node.attributes;
    bool changed = false;
    for (const auto& [name, value] : node.attributes) {
      if (const Shape* shape = std::get_if<Shape>(&value)) {
        Shape bound = shape->bind(sizes);
        changed |= bound != *shape;
        attributes.set(name, std::move(bound));
      }
      if (const HostFunctionPtr* function = std::get_if<HostFunctionPtr>(&value)) {
        if (HostFunctionPtr bound = (*function)->bind(sizes)) {
          changed = true;
          attributes.set(name, std::move(bound));
        }
      }
    }
    if (!changed) return {};
    NameScope scope(node.name);
    return make_node(*node.op, inputs, std::move(attributes));
  });
  return rewrite(graph);
}

std::vector<Value> inline_graph(const Graph& graph, const std::vector<Value>& arguments) {
  if (arguments.size() != graph.inputs().size())
    fail("[call] the graph takes {} inputs; got {}", graph.inputs().size(), arguments.size());
  Rewriter rewrite(nullptr);
  for (size_t i = 0; i < arguments.size(); ++i) rewrite.map(graph.inputs()[i], arguments[i]);
  std::vector<Value> outputs;
  for (const Value& v : graph.outputs()) outputs.push_back(rewrite(v));
  return outputs;
}

}  // namespace andiron
