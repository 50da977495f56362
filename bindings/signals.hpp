#pragma once

#include <nanobind/nanobind.h>

#include <functional>

namespace andiron::bindings {

/// Lets Ctrl-C through: throws when a signal's handler in Python does. It looks at most ten times a
/// second, since it needs the GIL. Ends the thread's work (SystemExit) when the interpreter ends.
/// Call it without the GIL.
std::function<void()> signal_check();

/// Work without the GIL. The end of the interpreter waits for it: a daemon's thread that came back
/// for the GIL later would be torn down between our frames. In a child that was forked while
/// another thread was at work it throws Error: that thread may have held locks, which nobody lets
/// go there.
class Working {
 public:
  Working() = default;
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  struct Counted {
    Counted();
    ~Counted();
  };
  Counted counted_;  // until the GIL is back
  nanobind::gil_scoped_release released_;
};

void bind_signals(nanobind::module_& m);

}  // namespace andiron::bindings
