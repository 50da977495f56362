#include "bindings/signals.hpp"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "andiron/base/error.hpp"

namespace andiron::bindings {

namespace nb = nanobind;
using Clock = std::chrono::steady_clock;

namespace {

std::atomic<int> at_work = 0;  // threads within Working
thread_local int depth = 0;    // of this thread
std::atomic<bool> ending = false, forked_at_work = false;

// With the GIL.
[[noreturn]] void end_thread() {
  PyErr_SetNone(PyExc_SystemExit);
  throw nb::python_error();
}

// The child has the thread that forked, and none of the others.
void look_after_fork() {
  const int own = depth > 0 ? 1 : 0;
  forked_at_work = at_work > own;
  at_work = own;
}

// Called at the interpreter's end. Trainings leave at their next step; what else runs is waited
// for, but not for ever.
void end_work() {
  constexpr std::chrono::seconds kPatience{20};
  ending = true;
  nb::gil_scoped_release released;
  const Clock::time_point start = Clock::now();
  while (at_work > 0 && Clock::now() - start < kPatience)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

}  // namespace

std::function<void()> signal_check() {
  return [last = Clock::now()]() mutable {
    if (ending) {
      nb::gil_scoped_acquire gil;
      end_thread();
    }
    const Clock::time_point now = Clock::now();
    if (now - last < std::chrono::milliseconds(100)) return;
    last = now;
    nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  };
}

Working::Counted::Counted() {
  if (forked_at_work)
    fail(
        "[fork] this process was forked while another thread worked in Andiron, whose locks nobody "
        "lets go here: wait for it before you fork, or start processes with \"spawn\" or "
        "\"forkserver\"");
  if (ending && depth == 0) end_thread();
  if (depth++ == 0) ++at_work;
}

Working::Counted::~Counted() {
  if (--depth == 0) --at_work;
}

void bind_signals(nb::module_& m) {
  pthread_atfork(nullptr, nullptr, look_after_fork);
  m.def("_end_work", &end_work);
  nb::module_::import_("atexit").attr("register")(m.attr("_end_work"));
}

}  // namespace andiron::bindings
