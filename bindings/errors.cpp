#include <nanobind/nanobind.h>

#include "andiron/base/error.hpp"
#include "bindings/tensor.hpp"

namespace nb = nanobind;

namespace andiron::bindings {

void bind_errors(nb::module_& m) {
  nb::exception<Error> error(m, "Error", PyExc_ValueError);
  error.attr("__doc__") =
      "An argument or input breaks a rule. The message names the op or layer, the rule and what "
      "came.";
  // Translators are asked from the last to the first.
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const TypeError& e) {
      PyErr_SetString(PyExc_TypeError, e.what());
    } catch (const IoError& e) {
      PyErr_SetString(PyExc_OSError, e.what());
    }
  });
}

}  // namespace andiron::bindings
