#include "andiron/autodiff/gradient.hpp"

#include <unordered_map>
#include <unordered_set>

#include "andiron/base/error.hpp"
#include "andiron/graph/graph.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/ops/ops.hpp"

namespace andiron {

namespace {

Value filled(const Value& like, double value) {
  return ops::broadcast_to(constant(value, like.dtype()), like.shape());
}

// Two row-sparse gradients of one table: one row-sparse value over both lists of rows.
Value accumulate(const Value& a, const Value& b) {
  if (!a.defined()) return b;
  if (!ops::is_row_sparse(a) && !ops::is_row_sparse(b)) return a + b;
  if (!ops::is_row_sparse(a) || !ops::is_row_sparse(b)) return ops::densify(a) + ops::densify(b);
  const Node &x = a.node(), &y = b.node();
  const Value ids = ops::concat({ops::cast(x.inputs[0], DType::i64),
                                 ops::cast(y.inputs[0], DType::i64)}, 0);
  return ops::row_sparse(ids, ops::concat({x.inputs[1], y.inputs[1]}, 0),
                         a.shape()[0].size());
}

}  // namespace

std::vector<Value> grad(const Value& y, const std::vector<Value>& xs, const Value& seed) {
  if (!is_floating(y.dtype()))
    fail("[grad] only floating point values have gradients; got {}", str(y.type()));
  if (seed.defined() && seed.type() != y.type())
    fail("[grad] the seed must be {} as y is; got {}", str(y.type()), str(seed.type()));

  const std::vector<const Node*> order = topological_order({y});
  // Nodes through which y depends on some x.
  std::unordered_set<Value, ValueHash> wanted(xs.begin(), xs.end());
  std::unordered_set<const Node*> on_path;
  for (const Node* node : order) {
    bool on = false;
    for (const Value& v : node->inputs)
      on |= v.defined() && (wanted.count(v) > 0 || on_path.count(&v.node()) > 0);
    if (on) on_path.insert(node);
  }

  std::unordered_map<Value, Value, ValueHash> gradients;
  gradients[y] = seed.defined() ? seed : filled(y, 1.0);
  for (size_t n = order.size(); n-- > 0;) {
    const Node* node = order[n];
    if (on_path.count(node) == 0) continue;
    std::vector<Value> outputs, grads;
    bool arrives = false;
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      outputs.emplace_back(node->shared_from_this(), static_cast<int>(i));
      auto it = gradients.find(outputs.back());
      grads.push_back(it == gradients.end() ? Value() : it->second);
      arrives |= grads.back().defined();
    }
    if (!arrives) continue;
    if (node->op->gradient == nullptr) {
      // Integer and bool results and piecewise constant ops end the path silently, as elsewhere.
      continue;
    }
    NameScope scope(node->name);
    // A rule that combines a row-sparse gradient with anything sees the dense form.
    for (Value& g : grads)
      if (g.defined() && ops::is_row_sparse(g)) g = ops::densify(g);
    const std::vector<Value> result = node->op->gradient(GradContext{*node, outputs, grads});
    ANDIRON_ASSERT(result.size() == node->inputs.size());
    for (size_t i = 0; i < result.size(); ++i) {
      const Value& v = node->inputs[i];
      if (!v.defined() || !result[i].defined()) continue;
      if (wanted.count(v) == 0 && on_path.count(&v.node()) == 0) continue;
      ANDIRON_ASSERT(result[i].shape() == v.shape() && result[i].dtype() == v.dtype());
      Value& total = gradients[v];
      total = accumulate(total, result[i]);
    }
  }

  std::vector<Value> result;
  for (const Value& x : xs) {
    auto it = gradients.find(x);
    result.push_back(it == gradients.end() ? filled(x, 0.0) : it->second);
  }
  return result;
}

}  // namespace andiron
