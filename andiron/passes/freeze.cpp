#include "andiron/passes/freeze.hpp"

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/graph/schema.hpp"

namespace andiron {

namespace {

void check_finite(const Variable& variable, const Tensor& value) {
  if (!is_floating(value.dtype())) return;
  for (int64_t i = 0; i < value.count(); ++i)
    if (!std::isfinite(value.item(i)))
      fail("[freeze] variable '{}' has {} at {}", variable.name(), value.item(i), i);
}

}  // namespace

Graph freeze(const Graph& graph) {
  Rewriter rewrite([](const Node& node, const std::vector<Value>&) -> std::vector<Value> {
    if (!node.is("variable")) return {};
    const Variable& variable = *node.attr<VariablePtr>("variable");
    const Tensor value = variable.value().clone();
    check_finite(variable, value);
    NameScope scope(node.name);
    return {constant(value)};
  });
  return rewrite(Graph(graph.inputs(), graph.outputs()));
}

}  // namespace andiron
