#include <nanobind/nanobind.h>

#include "bindings/info.hpp"

NB_MODULE(_core, m) {
  m.doc() = "The C++ core of Andiron.";
  andiron::bindings::bind_info(m);
}
