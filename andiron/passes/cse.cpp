#include "andiron/passes/cse.hpp"

#include <algorithm>
#include <unordered_map>

#include "andiron/graph/schema.hpp"

namespace andiron {

namespace {

std::vector<Value> canonical_inputs(const Node& node, std::vector<Value> inputs) {
  if (node.op->traits.commutative && inputs.size() == 2) {
    const ValueHash hash;
    if (hash(inputs[1]) < hash(inputs[0])) std::swap(inputs[0], inputs[1]);
  }
  return inputs;
}

struct Key {
  const Op* op;
  std::vector<Value> inputs;
  const Attributes* attributes;

  bool operator==(const Key& other) const {
    if (op != other.op || !(inputs == other.inputs)) return false;
    return std::equal(attributes->begin(), attributes->end(), other.attributes->begin(),
                      other.attributes->end(), [](const auto& a, const auto& b) {
                        return a.first == b.first && same(a.second, b.second);
                      });
  }
};

struct KeyHash {
  size_t operator()(const Key& key) const {
    size_t h = std::hash<const void*>()(key.op);
    for (const Value& v : key.inputs) h = h * 1099511628211ULL + ValueHash()(v);
    return h;
  }
};

bool is_scalar_constant(const Node& node) {
  return node.is("constant") && node.outputs[0].shape.empty();
}

}  // namespace

Graph cse(const Graph& graph) {
  std::unordered_map<Key, std::vector<Value>, KeyHash> seen;
  std::unordered_map<std::string, Value> scalars;  // equal scalar constants have equal text
  std::vector<std::shared_ptr<const Node>> alive;  // keys point into attributes
  Rewriter rewrite([&](const Node& node, const std::vector<Value>& inputs) -> std::vector<Value> {
    if (node.op->traits.stateful) return {};
    if (is_scalar_constant(node)) {
      const auto& tensor = node.attr<Tensor>("tensor");
      const std::string key(reinterpret_cast<const char*>(tensor.raw()), tensor.n_bytes());
      auto [it, is_new] = scalars.try_emplace(key + static_cast<char>(tensor.dtype()),
                                              Value(node.shared_from_this(), 0));
      return {it->second};
    }
    alive.push_back(node.shared_from_this());
    const Key key{node.op, canonical_inputs(node, inputs), &node.attributes};
    auto it = seen.find(key);
    if (it != seen.end()) return it->second;
    bool changed = !(inputs == node.inputs);
    std::vector<Value> values;
    if (changed) {
      values = with_inputs(node, inputs);
    } else {
      for (size_t i = 0; i < node.outputs.size(); ++i)
        values.emplace_back(node.shared_from_this(), static_cast<int>(i));
    }
    seen.emplace(key, values);
    return values;
  });
  return rewrite(graph);
}

}  // namespace andiron
