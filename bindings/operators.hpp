#pragma once

#include <vector>

#include "andiron/graph/attributes.hpp"
#include "bindings/convert.hpp"

namespace andiron {
struct Op;
}

namespace andiron::bindings {

/// Calls an op: a graph node when an argument is a graph value, a layer when one is a symbolic
/// tensor of a network, eagerly otherwise. One result, or a tuple of them.
nb::object apply(const Op& op, const std::vector<nb::object>& inputs, Attributes attributes = {});
/// The same by name, for operators.
nb::object apply(const char* op, nb::handle a);
nb::object apply(const char* op, nb::handle a, nb::handle b);

struct Operator {
  const char *method, *reflected, *op;
};

/// Python's arithmetic operators, as the ops of the catalog.
template <class Class>
void def_arithmetic(Class& c) {
  static constexpr Operator kArithmetic[] = {
      {"__add__", "__radd__", "add"},         {"__sub__", "__rsub__", "subtract"},
      {"__mul__", "__rmul__", "multiply"},    {"__truediv__", "__rtruediv__", "divide"},
      {"__pow__", "__rpow__", "power"},       {"__matmul__", "__rmatmul__", "matmul"},
      {"__and__", "__rand__", "logical_and"}, {"__or__", "__ror__", "logical_or"}};
  for (const Operator& b : kArithmetic) {
    const char* op = b.op;
    c.def(b.method, [op](nb::object x, nb::object y) { return apply(op, x, y); });
    c.def(b.reflected, [op](nb::object x, nb::object y) { return apply(op, y, x); });
  }
  c.def("__neg__", [](nb::object x) { return apply("negative", x); });
  c.def("__abs__", [](nb::object x) { return apply("absolute", x); });
  c.def("__invert__", [](nb::object x) { return apply("logical_not", x); });
}

template <class Class>
void def_order(Class& c) {
  static constexpr Operator kOrder[] = {{"__lt__", "", "less"},
                                        {"__le__", "", "less_equal"},
                                        {"__gt__", "", "greater"},
                                        {"__ge__", "", "greater_equal"}};
  for (const Operator& b : kOrder) {
    const char* op = b.op;
    c.def(b.method, [op](nb::object x, nb::object y) { return apply(op, x, y); });
  }
}

/// Comparison, elementwise; objects are told apart by identity where they are keys.
template <class Class>
void def_comparison(Class& c) {
  def_order(c);
  static constexpr Operator kEquality[] = {{"__eq__", "", "equal"}, {"__ne__", "", "not_equal"}};
  for (const Operator& b : kEquality) {
    const char* op = b.op;
    c.def(b.method, [op](nb::object x, nb::object y) { return apply(op, x, y); });
  }
  c.def("__hash__", [](nb::object x) {
    return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(x.ptr()) >> 4);
  });
}

}  // namespace andiron::bindings
