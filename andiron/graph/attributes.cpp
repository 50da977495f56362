#include "andiron/graph/attributes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "andiron/graph/host_function.hpp"

namespace andiron {

const Attribute* Attributes::find(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return &value;
  return nullptr;
}

void Attributes::set(std::string_view name, Attribute value) {
  for (auto& [key, old] : items_) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  items_.emplace_back(std::string(name), std::move(value));
}

namespace {

struct Printer {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(bool v) const { return v ? "True" : "False"; }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return fmt::format("{}", v); }
  std::string operator()(const std::string& v) const { return fmt::format("\"{}\"", v); }
  std::string operator()(DType v) const { return std::string(name_of(v)); }
  std::string operator()(const std::vector<int64_t>& v) const {
    return fmt::format("[{}]", fmt::join(v, ","));
  }
  std::string operator()(const std::vector<double>& v) const {
    return fmt::format("[{}]", fmt::join(v, ","));
  }
  std::string operator()(const Shape& v) const { return v.str(); }
  std::string operator()(const Tensor& v) const {
    if (v.defined() && v.count() == 1) return fmt::format("{}", v.item());
    return fmt::format("{}{}", name_of(v.dtype()), str(v.sizes()));
  }
  std::string operator()(const VariablePtr& v) const { return v->name(); }
  std::string operator()(const std::shared_ptr<const Graph>&) const { return "{...}"; }
  std::string operator()(const HostFunctionPtr& v) const { return v->name; }
};

}  // namespace

std::string str(const Attribute& attribute) { return std::visit(Printer{}, attribute); }

bool same(const Attribute& a, const Attribute& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&]<class T>(const T& x) {
        const T& y = std::get<T>(b);
        if constexpr (std::is_same_v<T, Tensor>) {
          return x.buffer() == y.buffer() && x.byte_offset() == y.byte_offset() &&
                 x.sizes() == y.sizes() && x.strides() == y.strides() && x.dtype() == y.dtype();
        } else {
          return x == y;
        }
      },
      a);
}

}  // namespace andiron
