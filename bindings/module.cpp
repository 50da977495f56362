#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

namespace nb = nanobind;

NB_MODULE(_core, m) {
  m.doc() = "The C++ core of Andiron.";
  m.def("version", [] { return std::string(ANDIRON_VERSION); }, "Andiron's version.");
}
