#pragma once

#include <sched.h>

namespace andiron::exec {

/// The cores that the process may run on: those of its main thread. Threads that call us may be
/// pinned to fewer; that is no reason for plans of other sizes, or for other threads.
cpu_set_t process_cores();

/// Lets the calling thread, which has its maker's cores, run on all of the process's.
void run_on_process_cores();

/// Moves the calling thread off a core, where there are others.
void leave_core(int core);

}  // namespace andiron::exec
