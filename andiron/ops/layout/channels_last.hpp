#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "andiron/graph/schema.hpp"

/// How each op is computed when its tensors have their channels last, [N, spatial..., C] instead of
/// [N, C, spatial...]: what the layout pass asks (docs/architecture.md, "Layouts").
namespace andiron::ops {

struct LayoutContext {
  const Node& node;               ///< with channels first
  std::span<const Value> inputs;  ///< with channels first
  /// Whether the value is there with channels last already.
  const std::function<bool(const Value&)>& is_last;
  /// The value with channels last: [N, C, a, b] as [N, a, b, C].
  const std::function<Value(const Value&)>& last;

  template <class T>
  const T& attr(std::string_view name) const {
    return node.attributes.get<T>(name);
  }
};

/// An output of the node: with channels last, or as it was.
struct LaidOut {
  Value value;
  bool last = true;
};

struct LayoutRule {
  std::string_view op;
  /// Empty where it cannot be done, or does not pay.
  std::vector<LaidOut> (*make)(const LayoutContext&);
  /// Whether the op is faster so: transposes are worth their while. Otherwise it follows its
  /// inputs.
  bool prefers = false;
};

/// Null where there is none; elementwise ops need none.
const LayoutRule* layout_rule(std::string_view op);

/// Axis `axis` of [N, C, spatial...] in [N, spatial..., C].
inline int64_t axis_when_last(int64_t axis, int64_t rank) {
  return axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
}

}  // namespace andiron::ops
