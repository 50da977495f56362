#include "bindings/signals.hpp"

#include <nanobind/nanobind.h>

#include <chrono>

namespace andiron::bindings {

namespace nb = nanobind;

std::function<void()> signal_check() {
  using Clock = std::chrono::steady_clock;
  return [last = Clock::now()]() mutable {
    const Clock::time_point now = Clock::now();
    if (now - last < std::chrono::milliseconds(100)) return;
    last = now;
    nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  };
}

}  // namespace andiron::bindings
