#pragma once

#include <vector>

#include "andiron/io/onnx/call.hpp"

/// Operators that are one function of their inputs.
namespace andiron::io::onnx {

using Values = std::vector<Value>;

template <Value (*f)(const Value&)>
Values unary(const Call& c) {
  return {f(c.in(0))};
}

template <Value (*f)(const Value&, const Value&)>
Values binary(const Call& c) {
  return {f(c.in(0), c.in(1))};
}

/// Before opset 7 b was broadcast when `broadcast` said so, from `axis` on.
template <Value (*f)(const Value&, const Value&)>
Values binary_with_axis(const Call& c) {
  Value b = c.in(1);
  if (c.i("broadcast", 0) != 0 && c.has_attribute("axis")) {
    const int64_t axis = normalize_axis("onnx", c.i("axis", 0), c.in(0).rank());
    Shape shape = b.shape();
    while (shape.rank() < c.in(0).rank() - axis) shape.push_back(1);
    b = ops::reshape(b, shape);
  }
  return {f(c.in(0), b)};
}

}  // namespace andiron::io::onnx
