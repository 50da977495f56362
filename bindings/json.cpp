#include "bindings/json.hpp"

#include <nlohmann/json.hpp>

#include "andiron/base/error.hpp"
#include "bindings/convert.hpp"

namespace andiron::bindings {

nlohmann::json json_from(nb::handle object) {
  PyObject* p = object.ptr();
  if (object.is_none()) return nullptr;
  if (PyBool_Check(p)) return p == Py_True;
  if (PyUnicode_Check(p)) return nb::cast<std::string>(object);
  if (PyFloat_Check(p)) return PyFloat_AsDouble(p);
  if (PyDict_Check(p)) {
    nlohmann::json out = nlohmann::json::object();
    for (auto [key, value] : nb::borrow<nb::dict>(object))
      out[nb::cast<std::string>(nb::str(key))] = json_from(value);
    return out;
  }
  if (PyList_Check(p) || PyTuple_Check(p)) {
    nlohmann::json out = nlohmann::json::array();
    for (nb::handle item : object) out.push_back(json_from(item));
    return out;
  }
  if (PyIndex_Check(p)) return nb::cast<int64_t>(nb::int_(object));  // NumPy's integers
  if (PyNumber_Check(p)) return nb::cast<double>(nb::float_(object));
  throw TypeError(fmt::format("{} is not a plain setting (a number, text, list or dict)",
                              nb::cast<std::string>(nb::repr(object))));
}

nb::object to_python(const nlohmann::json& json) {
  switch (json.type()) {
    case nlohmann::json::value_t::boolean:
      return nb::bool_(json.get<bool>());
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned:
      return nb::int_(json.get<int64_t>());
    case nlohmann::json::value_t::number_float:
      return nb::float_(json.get<double>());
    case nlohmann::json::value_t::string:
      return nb::cast(json.get<std::string>());
    case nlohmann::json::value_t::array: {
      nb::list out;
      for (const auto& item : json) out.append(to_python(item));
      return out;
    }
    case nlohmann::json::value_t::object: {
      nb::dict out;
      for (const auto& [key, value] : json.items()) out[nb::cast(key)] = to_python(value);
      return out;
    }
    default:
      return nb::none();
  }
}

}  // namespace andiron::bindings
