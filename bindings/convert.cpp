#include "bindings/convert.hpp"

#include <cmath>

#include "andiron/base/error.hpp"
#include "andiron/graph/host_function.hpp"
#include "bindings/assignments.hpp"

namespace andiron::bindings {

namespace {

std::string text(nb::handle object) { return nb::cast<std::string>(nb::str(object)); }

std::string type_of_object(nb::handle object) {
  return nb::cast<std::string>(nb::str(object.type().attr("__name__")));
}

int64_t integer_from(nb::handle object, const std::string& what) {
  if (!PyBool_Check(object.ptr())) {
    if (PyObject* index = PyNumber_Index(object.ptr())) {
      const int64_t value = PyLong_AsLongLong(index);
      Py_DECREF(index);
      if (value != -1 || !PyErr_Occurred()) return value;
    }
    PyErr_Clear();
  }
  throw TypeError(fmt::format("{} must be an integer; got {} ({})", what, text(object),
                              type_of_object(object)));
}

double number_from(nb::handle object, const std::string& what) {
  const double value = PyFloat_AsDouble(object.ptr());
  if (value == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    throw TypeError(fmt::format("{} must be a number; got {} ({})", what, text(object),
                                type_of_object(object)));
  }
  return value;
}

template <class T, class F>
std::vector<T> list_from(nb::handle object, F&& element) {
  std::vector<T> out;
  if (object.is_none()) return out;
  if (!PySequence_Check(object.ptr()) || PyUnicode_Check(object.ptr())) {
    out.push_back(element(object));
    return out;
  }
  for (nb::handle item : object) out.push_back(element(item));
  return out;
}

}  // namespace

DType dtype_from(nb::handle object) {
  if (PyUnicode_Check(object.ptr())) return parse_dtype(nb::cast<std::string>(object));
  if (object.is(nb::handle(reinterpret_cast<PyObject*>(&PyFloat_Type)))) return DType::f32;
  if (object.is(nb::handle(reinterpret_cast<PyObject*>(&PyLong_Type)))) return DType::i32;
  if (object.is(nb::handle(reinterpret_cast<PyObject*>(&PyBool_Type)))) return DType::boolean;
  for (const char* attribute : {"name", "__name__"}) {
    if (!nb::hasattr(object, attribute)) continue;
    nb::object name = object.attr(attribute);
    if (PyUnicode_Check(name.ptr())) return parse_dtype(nb::cast<std::string>(name));
  }
  throw TypeError(fmt::format("a dtype is a name such as \"float32\"; got {}", text(object)));
}

Shape shape_from(nb::handle object) {
  Shape shape;
  const auto dim = [](nb::handle item) -> Dim {
    if (item.is_none()) return Dim::symbol("batch");
    if (PyUnicode_Check(item.ptr())) return Dim::symbol(nb::cast<std::string>(item));
    return Dim(integer_from(item, "a size in a shape"));
  };
  for (Dim& d : list_from<Dim>(object, dim)) shape.push_back(std::move(d));
  return shape;
}

nb::tuple to_python(const Shape& shape, bool anonymous) {
  nb::list out;
  for (const Dim& d : shape) {
    if (d.known())
      out.append(d.size());
    else if (anonymous)
      out.append(nb::none());
    else
      out.append(nb::cast(d.str()));
  }
  return nb::tuple(out);
}

nb::tuple to_python(const Sizes& sizes) {
  nb::list out;
  for (int64_t size : sizes) out.append(size);
  return nb::tuple(out);
}

Attribute attribute_from(nb::handle object, const AttributeSpec& spec, const std::string& op) {
  const bool required = std::holds_alternative<std::monostate>(spec.default_value);
  const Attribute& example = required ? spec.type_example : spec.default_value;
  const std::string what = fmt::format("[{}] {}", op, spec.name);
  return std::visit(
      [&]<class T>(const T&) -> Attribute {
        if constexpr (std::is_same_v<T, bool>) {
          if (!PyBool_Check(object.ptr()))
            throw TypeError(fmt::format("{} must be True or False; got {}", what, text(object)));
          return object.is(nb::handle(Py_True));
        } else if constexpr (std::is_same_v<T, int64_t>) {
          return integer_from(object, what);
        } else if constexpr (std::is_same_v<T, double>) {
          return number_from(object, what);
        } else if constexpr (std::is_same_v<T, std::string>) {
          if (!PyUnicode_Check(object.ptr()))
            throw TypeError(fmt::format("{} must be a string; got {}", what, text(object)));
          return nb::cast<std::string>(object);
        } else if constexpr (std::is_same_v<T, DType>) {
          return dtype_from(object);
        } else if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
          return list_from<int64_t>(object, [&](nb::handle x) { return integer_from(x, what); });
        } else if constexpr (std::is_same_v<T, std::vector<double>>) {
          return list_from<double>(object, [&](nb::handle x) { return number_from(x, what); });
        } else if constexpr (std::is_same_v<T, Shape>) {
          return shape_from(object);
        } else if constexpr (std::is_same_v<T, Tensor>) {
          return tensor_from(object);
        } else if constexpr (std::is_same_v<T, VariablePtr>) {
          return nb::cast<VariablePtr>(object);
        } else if constexpr (std::is_same_v<T, std::shared_ptr<const Graph>>) {
          return std::make_shared<const Graph>(nb::cast<const Graph&>(object));
        } else {
          throw TypeError(fmt::format("{} has no type in the schema", what));
        }
      },
      example);
}

nb::object to_python(const Attribute& attribute) {
  return std::visit(
      []<class T>(const T& v) -> nb::object {
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nb::none();
        } else if constexpr (std::is_same_v<T, DType> || std::is_same_v<T, Shape>) {
          return to_python(v);
        } else if constexpr (std::is_same_v<T, std::vector<int64_t>> ||
                             std::is_same_v<T, std::vector<double>>) {
          nb::list list;
          for (auto item : v) list.append(item);
          return nb::tuple(list);
        } else if constexpr (std::is_same_v<T, std::shared_ptr<const Graph>>) {
          return v == nullptr ? nb::none() : nb::cast(*v);
        } else if constexpr (std::is_same_v<T, HostFunctionPtr>) {
          return nb::cast(v->name);
        } else {
          return nb::cast(v);
        }
      },
      attribute);
}

Value value_from(nb::handle object, const Value* like) {
  if (nb::isinstance<Value>(object)) return nb::cast<Value>(object);
  if (nb::isinstance<Variable>(object)) return read_traced(nb::cast<VariablePtr>(object));
  const bool is_bool = PyBool_Check(object.ptr());
  const bool is_float = PyFloat_Check(object.ptr());
  if (is_bool || is_float || PyLong_Check(object.ptr())) {
    const double number = number_from(object, "a constant");
    DType dtype = is_bool ? DType::boolean : is_float ? DType::f32 : DType::i32;
    if (like != nullptr && !is_bool) dtype = like->dtype();
    if (is_float && !is_floating(dtype) && number != std::floor(number))
      throw TypeError(fmt::format("{} does not fit in {}: cast the other operand to a float first",
                                  number, name_of(dtype)));
    return constant(number, dtype);
  }
  Tensor tensor = tensor_from(object);
  if (like != nullptr && tensor.dtype() != like->dtype() &&
      ((is_floating(tensor.dtype()) && is_floating(like->dtype())) ||
       (is_integer(tensor.dtype()) && is_integer(like->dtype()))))
    tensor = tensor.cast(like->dtype());
  return constant(tensor.contiguous());
}

std::vector<Value> values_from(nb::handle sequence) {
  std::vector<Value> out;
  for (nb::handle item : sequence) out.push_back(value_from(item));
  return out;
}

}  // namespace andiron::bindings
