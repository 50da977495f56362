#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <vector>

#include "andiron/graph/graph.hpp"
#include "andiron/graph/schema.hpp"
#include "andiron/graph/variable.hpp"
#include "andiron/tensor/tensor.hpp"

namespace andiron::bindings {

namespace nb = nanobind;

/// Whatever names a dtype in Python: "float32", numpy.float32, numpy.dtype("float32"), float.
DType dtype_from(nb::handle object);
inline nb::str to_python(DType dtype) {
  const std::string_view name = name_of(dtype);
  return nb::str(name.data(), name.size());
}

/// A sequence of sizes; None is the batch and a string a symbol of its own.
Shape shape_from(nb::handle object);
/// Known sizes as numbers, others as what prints ("batch"), or None when `anonymous`.
nb::tuple to_python(const Shape& shape, bool anonymous = false);
nb::tuple to_python(const Sizes& sizes);

/// Shares the memory of a NumPy array (or anything else with the buffer protocol); the array is
/// kept alive. Nothing when the object is no array of a dtype that Andiron has.
std::optional<Tensor> tensor_from_buffer(nb::handle object);
/// Tensors, variables' values, arrays, pandas objects, numbers and nested lists. Copies only where
/// the dtype or the strides leave no choice. Throws TypeError when there are no numbers inside.
Tensor tensor_from(nb::handle object);
std::vector<Tensor> tensors_from(nb::handle sequence);
/// A NumPy array over the tensor's memory, which it keeps alive. bfloat16 is ml_dtypes.bfloat16
/// where that is installed and uint16 bits otherwise.
nb::object to_numpy(const Tensor& tensor);

/// A Python value as the attribute that `spec` wants; `op` names the caller in errors.
Attribute attribute_from(nb::handle object, const AttributeSpec& spec, const std::string& op);
nb::object to_python(const Attribute& attribute);

/// Graph values, and what they can be made of: variables are read; numbers and arrays become
/// constants, numbers of `like`'s dtype.
Value value_from(nb::handle object, const Value* like = nullptr);
std::vector<Value> values_from(nb::handle sequence);

}  // namespace andiron::bindings
