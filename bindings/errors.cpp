#include <nanobind/nanobind.h>

#include <cstring>

#include "andiron/base/error.hpp"
#include "bindings/tensor.hpp"

namespace nb = nanobind;

namespace andiron::bindings {

namespace {

// A message may quote bytes of a damaged file, which need not be UTF-8.
nb::object text_of(const std::exception& error) {
  return nb::steal(PyUnicode_DecodeUTF8(
      error.what(), static_cast<Py_ssize_t>(std::strlen(error.what())), "backslashreplace"));
}

}  // namespace

void bind_errors(nb::module_& m) {
  nb::exception<Error> error(m, "Error", PyExc_ValueError);
  error.attr("__doc__") =
      "An argument or input breaks a rule. The message names the op or layer, the rule and what "
      "came.";
  // Translators are asked from the last to the first.
  nb::register_exception_translator(
      [](const std::exception_ptr& p, void* error_type) {
        try {
          std::rethrow_exception(p);
        } catch (const TypeError& e) {
          PyErr_SetObject(PyExc_TypeError, text_of(e).ptr());
        } catch (const IoError& e) {
          // With an errno Python makes it a FileNotFoundError, a PermissionError, ...
          if (e.errno_code() != 0)
            PyErr_SetObject(PyExc_OSError, nb::make_tuple(e.errno_code(), text_of(e)).ptr());
          else
            PyErr_SetObject(PyExc_OSError, text_of(e).ptr());
        } catch (const Error& e) {
          PyErr_SetObject(static_cast<PyObject*>(error_type), text_of(e).ptr());
        }
      },
      error.ptr());
}

}  // namespace andiron::bindings
