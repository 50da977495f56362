#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "andiron/graph/variable.hpp"
#include "andiron/tensor/dtype.hpp"
#include "andiron/tensor/shape.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron {

class Graph;
struct HostFunction;
using HostFunctionPtr = std::shared_ptr<const HostFunction>;

using Attribute =
    std::variant<std::monostate, bool, int64_t, double, std::string, DType, std::vector<int64_t>,
                 std::vector<double>, Shape, Tensor, VariablePtr, std::shared_ptr<const Graph>,
                 HostFunctionPtr>;

/// The attributes of a node: a short list in the order of the op's schema. Nodes made through
/// `make_node` have every attribute of the schema, defaults filled in, types checked.
class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, Attribute>> items) : items_(items) {}

  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Null when absent.
  const Attribute* find(std::string_view name) const;
  /// REQUIRES that the attribute is there with this type.
  template <class T>
  const T& get(std::string_view name) const {
    return std::get<T>(*find(name));
  }
  void set(std::string_view name, Attribute value);

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  size_t size() const { return items_.size(); }

 private:
  std::vector<std::pair<std::string, Attribute>> items_;
};

/// As in Python source: 0.5, "same", [1, 2], float32; tensors as float32[2,3].
std::string str(const Attribute& attribute);
/// Equal by value; tensors, variables, graphs and functions by identity.
bool same(const Attribute& a, const Attribute& b);

}  // namespace andiron
