#include "andiron/passes/lay_out.hpp"

#include <algorithm>

#include "andiron/graph/schema.hpp"
#include "andiron/ops/conv/channels.hpp"
#include "andiron/ops/layout/channels_last.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron {

namespace {

using Ints = std::vector<int64_t>;

bool transposes(const Node& node, const Ints& axes) {
  return node.is("transpose") && node.attr<Ints>("permutation") == axes;
}

// A value with channels last is known by the transpose that brings them to the front, which whoever
// needs them there reads.
class LayOut {
 public:
  std::vector<Value> operator()(const Node& node, const std::vector<Value>& inputs) {
    if (node.is("input") || node.is("constant") || node.is("variable")) return {};
    if (node.is("transpose")) return cancelled(node, inputs);
    const ops::LayoutRule* rule = ops::layout_rule(node.op->name);
    if (rule == nullptr && !node.op->traits.elementwise) return {};
    NameScope scope(node.name);
    if (rule == nullptr) return elementwise(node, inputs);
    if (inputs[0].rank() < 3) return {};
    const bool follows = std::any_of(inputs.begin(), inputs.end(),
                                     [&](const Value& v) { return v.defined() && is_last(v); });
    if (!follows && !rule->prefers) return {};
    const std::function<bool(const Value&)> known = [&](const Value& v) { return is_last(v); };
    const std::function<Value(const Value&)> make = [&](const Value& v) { return last(v); };
    std::vector<Value> values;
    for (const ops::LaidOut& out : rule->make({node, inputs, known, make}))
      values.push_back(out.last ? first(out.value) : out.value);
    return values;
  }

 private:
  static bool is_last(const Value& v) {
    return v.rank() >= 3 && transposes(v.node(), ops::to_channels_first(v.rank()));
  }

  static Value first(const Value& last) {
    return ops::transpose(last, ops::to_channels_first(last.rank()));
  }

  Value last(const Value& v) {
    if (is_last(v)) return v.node().inputs[0];
    auto [it, is_new] = last_.try_emplace(v);
    if (!is_new) return it->second;
    Value made;
    if (v.node().is("broadcast_to")) {  // what is spread is small
      made =
          ops::broadcast_to(operand(v.node().inputs[0], v.rank()), ops::channels_last(v.shape()));
    } else {
      made = ops::transpose(v, ops::to_channels_last(v.rank()));
    }
    return last_[v] = made;
  }

  // An operand of an elementwise op of rank `rank`, which may be broadcast.
  Value operand(const Value& v, int64_t rank) {
    if (v.rank() == rank && is_last(v)) return last(v);
    const auto wide =
        std::count_if(v.shape().begin(), v.shape().end(), [](const Dim& d) { return d != Dim(1); });
    if (wide == 0) return v;
    Shape shape = v.shape();
    shape.insert(shape.begin(), static_cast<size_t>(rank - v.rank()), Dim(1));
    if (wide > 1) return last(v.rank() == rank ? v : ops::reshape(v, shape));
    // One axis alone is only named anew: [C, 1, 1] as [C].
    shape = ops::channels_last(shape);
    while (shape.size() > 1 && shape[0] == Dim(1)) shape.erase(shape.begin());
    return shape == v.shape() ? v : ops::reshape(v, shape);
  }

  std::vector<Value> elementwise(const Node& node, const std::vector<Value>& inputs) {
    const int64_t rank = node.outputs[0].shape.rank();
    const bool follows =
        rank >= 3 && std::any_of(inputs.begin(), inputs.end(), [&](const Value& v) {
          return v.defined() && v.rank() == rank && is_last(v);
        });
    if (!follows) return {};
    std::vector<Value> moved;
    for (const Value& v : inputs) moved.push_back(v.defined() ? operand(v, rank) : v);
    std::vector<Value> values;
    for (const Value& v : with_inputs(node, moved)) values.push_back(first(v));
    return values;
  }

  // transpose(transpose(x)) where the second undoes the first.
  static std::vector<Value> cancelled(const Node& node, const std::vector<Value>& inputs) {
    const Value& x = inputs[0];
    if (!x.node().is("transpose")) return {};
    const auto &outer = node.attr<Ints>("permutation"), &inner = x.node().attr<Ints>("permutation");
    if (std::ssize(outer) != x.rank() || std::ssize(inner) != x.rank()) return {};
    for (size_t i = 0; i < outer.size(); ++i)
      if (inner[static_cast<size_t>(outer[i])] != static_cast<int64_t>(i)) return {};
    return {x.node().inputs[0]};
  }

  std::unordered_map<Value, Value, ValueHash> last_;
};

}  // namespace

Graph lay_out(const Graph& graph) {
  LayOut layout;
  Rewriter rewrite(
      [&](const Node& node, const std::vector<Value>& inputs) { return layout(node, inputs); });
  return rewrite(graph);
}

}  // namespace andiron
